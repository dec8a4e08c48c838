# Two stages: what installs stays behind.  No build step needs more than pip.
FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/relay
COPY requirements.lock /src/
RUN /opt/relay/bin/pip install --no-cache-dir --require-hashes --no-deps -r /src/requirements.lock
COPY pyproject.toml README.md LICENSE /src/
COPY relay /src/relay
RUN /opt/relay/bin/pip install --no-cache-dir --no-deps /src

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin relay \
    && install -d -m 0700 -o relay -g relay /var/lib/relay
COPY --from=build /opt/relay /opt/relay
ENV PATH=/opt/relay/bin:$PATH HELPDESK_RELAY_CONFIG=/etc/helpdesk-relay/channels.yaml PYTHONUNBUFFERED=1
USER relay
VOLUME /var/lib/relay
EXPOSE 2525 8025
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import smtplib; smtplib.SMTP('127.0.0.1', 2525, timeout=2).quit()"]
ENTRYPOINT ["helpdesk-relay"]
CMD ["serve"]
