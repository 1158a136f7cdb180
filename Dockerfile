# The container images of a release, for linux/amd64 and linux/arm64. The build context is not this folder, but what
# `.ci/release/release.py image` lays out from the archives of the release, one folder a platform.

# The binary alone: it brings its own certificate authorities.
FROM scratch AS binary
ARG TARGETARCH
COPY ${TARGETARCH}/ /
# Distroless' user `nonroot`; a cluster can tell that a number is not root.
USER 65532:65532
ENTRYPOINT ["/usr/bin/gitops-steps"]

# With a shell, which the jobs of GitLab need: it runs their scripts by it.
FROM gcr.io/distroless/static-debian13:debug-nonroot AS shell
ARG TARGETARCH
COPY ${TARGETARCH}/usr/ /usr/
ENTRYPOINT []
CMD ["/busybox/sh"]
