# What all models share: the base, and the server's locked dependencies. Built once for all of them, so that their own
# builds send the Docker Engine only weights and code.
FROM registry.example.com/slipway/base@sha256:0
COPY deps/ /opt/slipway/deps/
# Not compiled here: this image is built on machines of another architecture, which cannot run anything in it. Each pod
# compiles what it imports when it starts, which takes some seconds more.
# Nobody is told what is run: ONNX Runtime would look up the address of its maker's telemetry every few seconds.
ENV ORT_DISABLE_TELEMETRY=1
ENV PYTHONPATH=/opt/slipway/server:/opt/slipway/deps PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
