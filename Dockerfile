# The image: one static binary and the certificates of public authorities on an empty
# file system, run by nobody in particular. It needs no writable root and has no shell.
#
#   docker build --tag lanyard:0.1.0 .
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg REVISION=$(git rev-parse HEAD) .

FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS build
WORKDIR /src
# Modules change less often than our own code: they have a layer of their own.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w -X main.version=$VERSION -X main.commit=$REVISION" -o /out/lanyard ./cmd/lanyard
RUN mkdir -p /out/etc /out/data && echo 'lanyard:x:65532:65532:lanyard:/data:/sbin/nologin' >/out/etc/passwd

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lanyard" \
      org.opencontainers.image.description="A multi-tenant OpenID Connect provider" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/etc/passwd /etc/passwd
# An SQLite database lives here, in a volume; SQLite also keeps its temporary files in
# the working folder. With PostgreSQL nothing is ever written.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/lanyard /lanyard
WORKDIR /data
USER 65532:65532
# 8080 is for everybody; 8081, with probes and metrics, is for those who operate it.
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/lanyard", "health"]
ENTRYPOINT ["/lanyard"]
CMD ["serve"]
