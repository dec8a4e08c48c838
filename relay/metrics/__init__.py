"""Events become numbers, and numbers what Prometheus reads."""

from relay.metrics.metrics import Metrics

__all__ = ["Metrics"]
