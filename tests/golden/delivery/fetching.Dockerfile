# Only copies, so that building needs no network. What speaks to the model store is below the server's code: the
# same layers for every such model.
FROM registry.example.com/slipway/runtime@sha256:0
COPY slipway_weights/deps/ /opt/slipway/weights/deps/
COPY slipway_weights/code/ /opt/slipway/weights/code/
COPY server/ /opt/slipway/server/
WORKDIR /tmp
EXPOSE 8080/tcp
USER 65532:65532
ENTRYPOINT ["python3", "-m", "slipway_server"]
