"""Bidders that answer what the running case says, all on one port: POST /<name>; and a Prebid Cache: POST /cache. One case runs at a time."""
import gzip
import http.server
import json
import threading


class MockBidders:
    def __init__(self):
        outer = self
        self.answers, self.received = {}, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    raw = gzip.decompress(raw)
                name, body = self.path.lstrip("/"), json.loads(raw)
                if name == "cache":  # names things 0, 1, 2 in the order in which they come
                    return self.reply({"responses": [{"uuid": str(i)} for i in range(len(body["puts"]))]})
                outer.received.setdefault(name, []).append(body)
                answer = outer.answers.get(name)
                self.reply(answer(body) if answer else None)

            def do_GET(self):
                name = self.path.lstrip("/")
                self.reply(outer.answers.get(name))

            def reply(self, answer):
                text = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(204 if answer is None else 200)
                self.send_header("Content-Length", str(len(text)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):  # a server that stops between cases closes its connections
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/{name}"

    def expect(self, answers):
        """`answers`: name to a callable that gets the request and returns the response, or None for no content."""
        self.received, self.answers = {}, answers

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
