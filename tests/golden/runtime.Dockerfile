# What all models share: the base, and the server's locked dependencies. Built once for all of them, so that their own
# builds send the Docker Engine only weights and code.
FROM registry.example.com/slipway/base@sha256:0
COPY deps/ /opt/slipway/deps/
# For this build only: a model's image sets its own user.
USER 0:0
# Compiled here, by the image's own Python: else every pod compiles all of it anew at each start, for as many seconds as
# its CPU limit is low. Unchecked, because a layer's files carry no times to check against.
# What a server never imports is left out: tests, converters, quantizers.
RUN ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-x", "/(tests?|testing|f2py|transformers|quantization|tools|v1|deprecated)/", "/opt/slipway/deps"]
# Nobody is told what is run: ONNX Runtime would look up the address of its maker's telemetry every few seconds.
ENV ORT_DISABLE_TELEMETRY=1
ENV PYTHONPATH=/opt/slipway/server:/opt/slipway/deps PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
