# The operator alone in an image: one static binary, the certificates it trusts, nothing else.
#
#   docker build --tag ecs-operator .
#   docker buildx build --platform linux/amd64,linux/arm64 .
#
# The build stage runs on the machine's own architecture and compiles for the wanted one: nothing is emulated.
# RUST_VERSION is at least what Cargo.toml's rust-version asks for.
ARG RUST_VERSION=1.95
FROM --platform=$BUILDPLATFORM docker.io/library/rust:${RUST_VERSION}-bookworm AS build
ARG TARGETARCH=amd64
WORKDIR /build

# What differs between the two architectures, once: the Rust target, the C compiler that ring needs, and the linker, which
# packs relocations where it knows how: they are a tenth of the binary.
# hadolint ignore=DL3008
RUN set -eu; \
    case "$TARGETARCH" in \
        amd64) machine=x86_64 upper=X86_64 package=gcc-x86-64-linux-gnu ;; \
        arm64) machine=aarch64 upper=AARCH64 package=gcc-aarch64-linux-gnu ;; \
        *) echo "no build for architecture '$TARGETARCH': there are amd64 and arm64" >&2; exit 1 ;; \
    esac; \
    apt-get update -q; \
    apt-get install -qy --no-install-recommends ca-certificates; \
    command -v "$machine-linux-gnu-gcc" || \
        apt-get install -qy --no-install-recommends "$package" "libc6-dev-$TARGETARCH-cross"; \
    rm -rf /var/lib/apt/lists/*; \
    rustup target add "$machine-unknown-linux-musl"; \
    { \
        echo "export MACHINE=$machine CARGO_BUILD_TARGET=$machine-unknown-linux-musl"; \
        echo "export CC_${machine}_unknown_linux_musl=$machine-linux-gnu-gcc"; \
        echo "export CARGO_TARGET_${upper}_UNKNOWN_LINUX_MUSL_LINKER=$machine-linux-gnu-gcc"; \
        echo "export CARGO_TARGET_${upper}_UNKNOWN_LINUX_MUSL_RUSTFLAGS='-C link-arg=-Wl,-z,pack-relative-relocs'"; \
    } > /build.env

# Dependencies alone: this layer is built anew only when Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN set -eu; . /build.env; \
    mkdir src benches; \
    echo 'fn main() {}' > src/main.rs; \
    touch src/lib.rs benches/sim.rs; \
    cargo build --release --locked; \
    rm -r src

# The crate itself (the demo plays the shipped manifests), and a smoke test where this machine can run it. Files are as
# old as the checkout, and cargo goes by age: so the entry points are made new.
COPY manifests manifests
COPY src src
RUN set -eu; . /build.env; \
    touch src/lib.rs src/main.rs; \
    cargo build --release --locked; \
    install -D "target/$CARGO_BUILD_TARGET/release/ecs-operator" /image/ecs-operator; \
    install -D --mode 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt; \
    install --directory --mode 1777 /image/tmp; \
    if [ "$MACHINE" = "$(uname -m)" ]; then /image/ecs-operator --version; fi

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=""
LABEL org.opencontainers.image.title="ecs-operator" \
      org.opencontainers.image.description="GitOps for Amazon ECS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /image/ /
COPY LICENSE NOTICE /licenses/
# Where the TLS library looks for the certificates it trusts, said outright: there is nothing to search in here.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# Numbers, since there is no /etc/passwd, and since Kubernetes must see that it is not root.
USER 65532:65532
# Metrics and probes, once --listen opens them to others.
EXPOSE 8080
ENTRYPOINT ["/ecs-operator"]
CMD ["--help"]
