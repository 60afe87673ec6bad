FROM registry.example.com/vision/reader@sha256:9f86d081884c7d659f86d081884c7d659f86d081884c7d659f86d081884c7d65
COPY --chown=0:0 .slipway/model/ /model/
ENTRYPOINT ["serve"]
CMD []
