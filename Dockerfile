# One image for each room: docker build --target collector|viewer|example .
# Needs no BuildKit. Packages and our own code are two layers, so that an upgrade of ours is small.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PIP_PYTHON=/opt/tellwhy/bin/python
WORKDIR /build
# Without pip: what runs has no use for an installer.
RUN python -m venv --without-pip /opt/tellwhy
COPY constraints.txt ./
COPY tracer/pyproject.toml tracer/
COPY collector/pyproject.toml collector/
COPY viewer/pyproject.toml viewer/
# What the rooms named on the command line depend on, one line each, the viewer's login included.
RUN printf '%s\n' \
    'import sys, tomllib' \
    'for room in sys.argv[1:]:' \
    '    with open(f"{room}/pyproject.toml", "rb") as manifest:' \
    '        project = tomllib.load(manifest)["project"]' \
    '    more = project.get("optional-dependencies", {}).get("login", [])' \
    '    print(*project["dependencies"], *more, sep="\n")' > needs.py
# Packages carry 45 MB that nothing here loads: their own tests, C++ headers, Arrow's RPC.
RUN printf '%s\n' \
    'find /opt/tellwhy \( -type d -name tests -o -path "*/pyarrow/include" \' \
    '    -o -path "*/pyarrow/*flight*" \) -prune -exec rm -r {} +' > slim.sh

FROM build AS collector-packages
RUN python needs.py tracer collector > needs.txt \
    && python -m pip install -c constraints.txt -r needs.txt \
    && sh slim.sh

FROM build AS viewer-packages
RUN python needs.py tracer viewer > needs.txt \
    && python -m pip install -c constraints.txt -r needs.txt \
    && sh slim.sh

FROM build AS example-packages
RUN python needs.py tracer > needs.txt \
    && python -m pip install -c constraints.txt -r needs.txt anthropic openai

FROM build AS code
COPY tracer tracer
COPY collector collector
COPY viewer viewer
RUN for room in tracer collector viewer; do \
    python -m pip install --no-deps --prefix "/code/$room" "./$room" || exit 1; done

FROM python:3.13-slim AS room
# HOME is the one folder that may be written when the root is read-only.
ENV PATH=/opt/tellwhy/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
RUN groupadd --gid 10001 tellwhy \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp tellwhy \
    && install -d -o tellwhy -g tellwhy /data /spool
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["tellwhy"]

FROM room AS collector
COPY --from=collector-packages /opt/tellwhy /opt/tellwhy
COPY --from=code /code/tracer /opt/tellwhy
COPY --from=code /code/collector /opt/tellwhy
ENV TELLWHY_DATABASE=/data/tellwhy.duckdb
EXPOSE 4317 4318
CMD ["serve"]

FROM room AS viewer
COPY --from=viewer-packages /opt/tellwhy /opt/tellwhy
COPY --from=code /code/tracer /opt/tellwhy
COPY --from=code /code/viewer /opt/tellwhy
EXPOSE 8501
CMD ["view"]

FROM room AS example
COPY --from=example-packages /opt/tellwhy /opt/tellwhy
COPY --from=code /code/tracer /opt/tellwhy
CMD ["demo", "--collector-url", "http://collector:4318"]
