"""Services that continue the runs of who asks them; the first word says which: asgi or wsgi."""

import socket
import sys
from wsgiref.simple_server import make_server

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import tellwhy


@tellwhy.tool(effect="read")
def look_up(item: str) -> str:
    """Find where it is."""
    return f"{item} is on shelf 4"


class ContinueRuns:
    """ASGI: what a request is asked for belongs to the run that its headers name."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        async with tellwhy.continued(scope["headers"]):
            await self.app(scope, receive, send)


async def answer(request):
    """One shelf."""
    return PlainTextResponse(look_up(request.query_params["item"]))


def continue_runs(app):
    """WSGI: the same; an answer that is a generator runs later, and is not in it."""

    def continued(environ, start_response):
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        with tellwhy.continued(headers):
            return app(environ, start_response)

    return continued


def app(environ, start_response):
    """One shelf."""
    start_response("200 OK", [("content-type", "text/plain")])
    return [look_up(environ["QUERY_STRING"].partition("=")[2]).encode()]


def main():
    """Serve on a free port of loopback, which is printed."""
    if sys.argv[1] == "wsgi":
        with make_server("127.0.0.1", 0, continue_runs(app)) as server:
            print(server.server_port, flush=True)
            server.serve_forever()
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    served = ContinueRuns(Starlette(routes=[Route("/", answer)]))
    uvicorn.Server(uvicorn.Config(served, log_level="error")).run(sockets=[listening])


if __name__ == "__main__":
    main()
