# Only copies, so that building needs no network. The weights before the server's code, so that a change of code does
# not push the weights again.
FROM registry.example.com/slipway/runtime@sha256:0
COPY model/ /model/
COPY server/ /opt/slipway/server/
WORKDIR /tmp
EXPOSE 8080/tcp
USER 65532:65532
ENTRYPOINT ["python3", "-m", "slipway_server"]
