"""The web page, the API and the metrics over HTTP; loaded only where ``listen.web`` asks for them."""
