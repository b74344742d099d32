# The mock bidder of the tests and the demo, for development only. The context is the repository's root.
ARG DEBIAN=debian:bookworm-slim
FROM ${DEBIAN} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libjansson-dev
WORKDIR /src
COPY tests/fakes tests/fakes
RUN gcc -std=c17 -O2 -D_GNU_SOURCE -o /usr/local/bin/mockbidder tests/fakes/mockbidder.c -ljansson -lm

FROM ${DEBIAN}
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini libjansson4 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/mockbidder /usr/local/bin/mockbidder
LABEL org.opencontainers.image.title="nexus-mockbidder"
USER 10001:10001
EXPOSE 9000
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["mockbidder", "--host", "0.0.0.0", "--port", "9000", "--keep"]
