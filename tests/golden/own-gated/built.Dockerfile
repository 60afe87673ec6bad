ARG BASE=registry.example.com/python@sha256:9f86d081884c7d659f86d081884c7d659f86d081884c7d659f86d081884c7d65
FROM ${BASE} AS tools
ARG EXTRAS
RUN echo "${EXTRAS}" > /extras

FROM registry.example.com/python@sha256:9f86d081884c7d659f86d081884c7d659f86d081884c7d659f86d081884c7d65
COPY --from=tools /extras /extras
COPY server.py run.sh /srv/
COPY --chown=0:0 .slipway/model/ /model/
ENTRYPOINT ["python3", "/srv/server.py", "--port", "9000"]
CMD []
