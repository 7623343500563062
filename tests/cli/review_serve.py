#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""review_serve - drives `likeness review serve` as browsers, strangers and broken programs would.

usage: review_serve LIKENESS REVIEW.db TOKENS

TOKENS is a file with one secret a line: of every reviewer, then of the adjudicator.
"""
import concurrent.futures
import csv
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

LIKENESS, REVIEW = sys.argv[1:3]
TOKENS = open(sys.argv[3]).read().split()
REVIEWERS, ADJUDICATOR = TOKENS[:-1], TOKENS[-1]
ANSWERS = ["-3", "-2", "-1", "0", "1", "2", "3", "no_face", "child", "cannot_say"]
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)
        print("not ok -", text)


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([LIKENESS, "review", "serve", REVIEW, *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        if not found:
            self.process.kill()
            sys.exit(f"the server printed no address: {line!r} {self.process.stderr.read()}")
        self.port = int(found[1])

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(timeout=10)

    def memory(self):
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


class Browser:
    """One connection that is kept, as a browser has it."""

    def __init__(self, port, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.token = token

    def ask(self, path, body=None, method=None, headers=()):
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        sent.update(headers)
        self.connection.request(method or ("GET" if body is None else "POST"), path, body, sent)
        reply = self.connection.getresponse()
        return reply, reply.read()

    def value(self, path, body=None):
        reply, content = self.ask(path, body)
        if reply.status != 200:
            raise RuntimeError(f"{path}: {reply.status} {content[:200]!r}")
        return json.loads(content)


def raw(port, content):
    """What a server says to bytes that are no request."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        try:
            s.sendall(content)
            s.shutdown(socket.SHUT_WR)
            return s.recv(4096)
        except OSError:  # closed by the server, or not connected any more
            return b""


def check_refusals(port):
    token = REVIEWERS[0]
    key = {"Authorization": f"Bearer {token}"}
    as_json = {**key, "Content-Type": "application/json"}
    screen = Browser(port, token).value("/api/screen")["screen"]
    good = json.dumps({"screen": screen, "answer": "1", "milliseconds": 5})
    here = f"127.0.0.1:{port}"
    cases = [
        ("no secret", "GET", "/api/screen", {}, None, 401),
        ("a wrong secret", "GET", "/api/screen", {"Authorization": "Bearer " + "0" * 32}, None, 401),
        ("a secret that is too long", "GET", "/api/screen", {"Authorization": f"Bearer {token}0"}, None, 401),
        ("a secret in the address", "GET", f"/api/screen?token={token}", {}, None, 401),
        ("a foreign host", "GET", "/api/screen", {**key, "Host": "attacker.example"}, None, 403),
        ("a foreign host with our port", "GET", "/", {"Host": f"attacker.example:{port}"}, None, 403),
        ("a host that begins like ours", "GET", "/", {"Host": "127.0.0.1.attacker.example"}, None, 403),
        ("a host with a name in it", "GET", "/", {"Host": f"attacker@{here}"}, None, 403),
        ("a foreign origin", "POST", "/api/answer", {**as_json, "Origin": "http://attacker.example"}, good, 403),
        ("another port's origin", "POST", "/api/answer", {**as_json, "Origin": "http://127.0.0.1:1"}, good, 403),
        ("the origin of a file", "POST", "/api/answer", {**as_json, "Origin": "null"}, good, 403),
        ("a form", "POST", "/api/answer", {**key, "Content-Type": "text/plain"}, good, 415),
        ("no content type", "POST", "/api/answer", key, good, 415),
        ("a path upwards", "GET", "/../../etc/passwd", {}, None, 404),
        ("an escaped path upwards", "GET", "/%2e%2e/%2e%2e/etc/passwd", {}, None, 404),
        ("an asset by a longer way", "GET", "/./review.js", {}, None, 404),
        ("an escaped asset", "GET", "/review%2ejs", {}, None, 404),
        ("the review itself", "GET", "/" + REVIEW, {}, None, 404),
        ("no such screen", "GET", f"/api/picture/{'0' * 32}/left/crop", key, None, 404),
        ("no such side", "GET", f"/api/picture/{screen}/middle/crop", key, None, 404),
        ("a screen that is a path", "GET", "/api/picture/../left/crop", key, None, 404),
        ("a long address", "GET", "/" + "a" * 600, {}, None, 414),
        ("the wrong method", "GET", "/api/answer", key, None, 405),
        ("the wrong method of a page", "POST", "/", as_json, "{}", 405),
        ("an unknown method", "DELETE", "/api/screen", key, None, 405),
        ("questions before a request", "OPTIONS", "/api/answer", {"Origin": "http://attacker.example"}, None, 403),
        ("a large body", "POST", "/api/answer", as_json, b" " * 17000, 413),
        ("a large body in chunks", "POST", "/api/answer", {**as_json, "Transfer-Encoding": "chunked"},
         b"4650\r\n" + b" " * 0x4650 + b"\r\n0\r\n\r\n", 413),
        ("no JSON", "POST", "/api/answer", as_json, "answer=1", 400),
        ("an empty body", "POST", "/api/answer", as_json, "", 400),
        ("a list", "POST", "/api/answer", as_json, "[]", 400),
        ("deep JSON", "POST", "/api/answer", as_json, "[" * 8000, 400),
        ("no answer", "POST", "/api/answer", as_json, json.dumps({"screen": screen, "milliseconds": 5}), 400),
        ("an answer that is none", "POST", "/api/answer", as_json, good.replace('"1"', '"4"'), 400),
        ("an answer as a number", "POST", "/api/answer", as_json, good.replace('"1"', "1"), 400),
        ("a member too many", "POST", "/api/answer", as_json, good.replace("{", '{"kind": "mated", ', 1), 400),
        ("negative time", "POST", "/api/answer", as_json, good.replace(": 5", ": -5"), 400),
        ("a long note", "POST", "/api/answer", as_json, good.replace("{", '{"note": "%s", ' % ("n" * 2001), 1), 400),
        ("another reviewer's screen", "POST", "/api/answer", {**as_json, "Authorization": f"Bearer {REVIEWERS[1]}"},
         good, 409),
        ("undo before any answer", "POST", "/api/undo", as_json, json.dumps({"screen": screen}), 409),
        ("cases for a reviewer", "GET", "/api/cases", key, None, 403),
        ("a case's picture for a reviewer", "GET", "/api/case/1/image/crop", key, None, 403),
        ("closing by a reviewer", "POST", "/api/close", as_json, "{}", 403),
        ("a decision by a reviewer", "POST", "/api/decide", as_json, '{"item": 1, "decision": "same"}', 403),
        ("a screen for the adjudicator", "GET", "/api/screen", {"Authorization": f"Bearer {ADJUDICATOR}"}, None, 403),
    ]
    for name, method, path, headers, body, expected in cases:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for header, value in headers.items():
            connection.putheader(header, value)
        if body is not None:
            body = body.encode() if isinstance(body, str) else body
            if "Transfer-Encoding" not in headers:
                connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        if body:
            connection.send(body)
        reply = connection.getresponse()
        check(reply.status == expected, f"{name}: {reply.status}, expected {expected}")
        check(token.encode() not in reply.read(), f"{name}: the secret is in the reply")
        connection.close()
    adjudicator = Browser(port, ADJUDICATOR)
    check(adjudicator.value("/api/cases")["cases"] is None, "cases are shown before all answers are in")
    reply, _ = adjudicator.ask("/api/close", {})
    check(reply.status == 409, f"closing before all answers are in: {reply.status}")
    reply, _ = adjudicator.ask("/api/case/1/image/crop")
    check(reply.status == 404, f"a case's picture before all answers are in: {reply.status}")
    check(Browser(port, token).value("/api/screen")["done"] == 0, "something that was refused was stored")


def check_garbage(port):
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for content in (b"\0" * 100, b"\xff\xfe" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000, b" ",
                    b"GET / HTTP/1.1\r\n\r\n", head + b"X: " + b"y" * 100000 + b"\r\n\r\n",
                    head + b"Content-Length: -1\r\n\r\n", head + b"Content-Length: 99999999999999999999\r\n\r\n",
                    b"POST /api/answer HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                    head + b"\r\n" + b"\0garbage behind a request\r\n\r\n"):
        said = raw(port, content)
        check(not said.startswith(b"HTTP/1.1 200") or content.startswith(head), f"{content[:40]!r}: {said[:60]!r}")
    reply, _ = Browser(port).ask("/")
    check(reply.status == 200, "the page is not there after garbage")


def check_headers(port):
    for path in ("/", "/adjudicate", "/review.js", "/api/screen"):
        reply, _ = Browser(port, REVIEWERS[0]).ask(path)
        policy = reply.getheader("Content-Security-Policy", "")
        check("default-src 'none'" in policy and "unsafe" not in policy, f"{path}: policy {policy}")
        for header, value in (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
                              ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin")):
            check(reply.getheader(header) == value, f"{path}: {header} is {reply.getheader(header)}")
        check(reply.getheader("Access-Control-Allow-Origin") is None, f"{path}: readable from elsewhere")
        check(reply.getheader("Set-Cookie") is None, f"{path}: sets a cookie")


def check_many(server):
    """10,000 requests as fast as they go, over four connections; half of them refused."""
    def some(worker):
        browser = Browser(server.port)
        for i in range(2500):
            reply, _ = browser.ask("/review.css" if i % 2 else "/api/screen")
            check(reply.status == (200 if i % 2 else 401), f"request {i}: {reply.status}")

    some(0)  # what the first ones take stays taken
    before = server.memory()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(some, range(4)))
    grown = server.memory() - before
    sanitized = "libasan" in open(f"/proc/{server.process.pid}/maps").read()  # which keeps freed memory for a while
    check(sanitized or grown < 4096, f"10,000 requests took {grown} kB of memory")
    # Connections that say nothing keep nobody out.
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
    check(Browser(server.port, REVIEWERS[0]).value("/api/screen")["done"] == 0, "silent connections keep others out")
    for s in silent:
        s.close()


def the_answer(reviewer, position):
    return ANSWERS[(7 * position + 3 * reviewer) % len(ANSWERS)]


class Killer:
    """The server is killed again and again while reviewers answer."""

    def __init__(self, server):
        self.server = server
        self.lengths = {"crop": set(), "original": set(), "screen": set()}
        self.quickest = 1.0  # seconds that a picture took at least
        self.confirmed = [0] * len(REVIEWERS)

    def picture(self, browser, screen, side, what):
        started = time.monotonic()
        reply, content = browser.ask(f"/api/picture/{screen}/{side}/{what}")
        self.quickest = min(self.quickest, time.monotonic() - started)
        check(reply.status == 200 and content.startswith(b"\xff\xd8\xff"), f"picture: {reply.status}")
        self.lengths[what].add((len(content), len(str(reply.headers))))

    def review(self, number):
        """Answers everything, as a page does: what was not confirmed is sent again."""
        browser = Browser(self.server.port, REVIEWERS[number])
        pending, undone = None, set()
        while True:
            try:
                if pending is None:
                    reply, content = browser.ask("/api/screen")
                    self.lengths["screen"].add((len(content), len(str(reply.headers))))
                    screen = json.loads(content)
                else:
                    path, body = pending
                    screen = browser.value(path, body)
                    pending = None
                    self.confirmed[number] = screen["done"]
                if screen["screen"] == "":
                    return
                for side in ("left", "right"):
                    self.picture(browser, screen["screen"], side, "crop")
                    self.picture(browser, screen["upcoming"] or screen["screen"], side, "original")
                if screen["done"] % 5 == 4 and screen["done"] not in undone and screen["previous"]:
                    undone.add(screen["done"])
                    pending = ("/api/undo", {"screen": screen["previous"]})
                else:
                    answer = the_answer(number, screen["done"])
                    pending = ("/api/answer", {"screen": screen["screen"], "answer": answer, "milliseconds": 1000,
                                               "note": f"{number} at {screen['done']}"})
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                browser = Browser(self.server.port, REVIEWERS[number])

    def run(self):
        threads = [threading.Thread(target=self.review, args=(i,)) for i in range(len(REVIEWERS))]
        for t in threads:
            t.start()
        port, kills = self.server.port, 0
        while any(t.is_alive() for t in threads):
            time.sleep(0.4)
            if kills < 4:
                self.server.end(signal.SIGKILL)
                self.server = Server("--port", str(port))
                kills += 1
        for t in threads:
            t.join()
        check(kills == 4, f"the server was killed {kills} times: the review is too short for this test")
        check(self.quickest >= 0.03, f"a picture came after {self.quickest:.4f} s")
        for what, lengths in self.lengths.items():
            check(len(lengths) == 1, f"replies with a {what} have lengths of body and head {sorted(lengths)}")


def check_stored():
    """Every answer once, and the one that was given."""
    subprocess.run([LIKENESS, "review", "export", REVIEW, "-o", "answers.csv", "--quiet"], check=True)
    with open("answers.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    seen = set()
    for row in rows:
        number, position = int(re.sub(r"\D", "", row["reviewer"])) - 1, int(row["position"])
        check((number, position) not in seen, f"{row['reviewer']} answered position {position} twice")
        seen.add((number, position))
        check(row["answer"] == the_answer(number, position - 1), f"{row['reviewer']} at {position}: {row['answer']}")
        check(row["note"] == f"{number} at {position - 1}", f"{row['reviewer']} at {position}: note {row['note']!r}")
    return len(rows)


def check_adjudication(port, n_items):
    browser = Browser(port, ADJUDICATOR)
    cases = browser.value("/api/cases")
    check(cases["complete"] and not cases["closed"] and cases["cases"] is None, "opened before anybody asked")
    cases = browser.value("/api/close", {})["cases"]
    check(cases and all(len(c["answers"]) == len(REVIEWERS) for c in cases), "cases are not complete")
    item = cases[0]["item"]
    for path in ("image/crop", "reference/crop", "image/original", "reference/original"):
        reply, content = browser.ask(f"/api/case/{item}/{path}")
        check(reply.status == 200 and content.startswith(b"\xff\xd8\xff"), f"case {item} {path}: {reply.status}")
    reply, _ = browser.ask(f"/api/case/{item}/image/other/1000")
    check(reply.status == 404, f"a photo that is not there: {reply.status}")
    browser.value("/api/decide", {"item": item, "decision": "same", "note": "the same scar"})
    again = browser.value("/api/cases")["cases"][0]
    check((again["decision"], again["note"]) == ("same", "the same scar"), "a decision is not stored")
    reviewer = Browser(port, REVIEWERS[0])
    check(reviewer.value("/api/screen")["previous"] == "", "undo is offered after closing")


def check_links():
    """Whole links are printed from what `review new` printed; other lines are passed over."""
    links = [f"reviewer {i + 1:<4} /#{token}" for i, token in enumerate(REVIEWERS)]
    links.append(f"adjudicator   /adjudicate#{ADJUDICATOR}")
    with open("links.txt", "w") as f:
        f.write("review.db: 26 candidates\nplan " + "a" * 64 + "\n\n" + "\n".join(links) + "\nno link /#0\n")
    server = Server("--links", "links.txt")
    for link in links:
        name, path = link.rsplit(" ", 1)
        line, wanted = server.process.stdout.readline(), f"{name} http://127.0.0.1:{server.port}{path}\n"
        check(line == wanted, f"link {line!r}, expected {wanted!r}")
    check(server.end(signal.SIGTERM) == 0, "SIGTERM does not end it with 0")
    check(server.process.stdout.read() == "", "more is printed than links")


def main():
    server = Server()
    check_refusals(server.port)
    check_garbage(server.port)
    check_headers(server.port)
    check_many(server)
    killer = Killer(server)
    killer.run()
    server = killer.server
    n = check_stored()
    check(n == sum(killer.confirmed), f"{n} answers are stored, {killer.confirmed} were confirmed")
    check_adjudication(server.port, n)
    check(server.end(signal.SIGINT) == 0, "Ctrl-C does not end it with 0")
    check_links()
    first = Server()
    check(first.port == server.port, f"port {first.port} after a restart, before {server.port}")
    second = subprocess.run([LIKENESS, "review", "serve", REVIEW, "--port", str(first.port)], capture_output=True,
                            text=True, timeout=10)
    check(second.returncode == 1 and f"port {first.port}" in second.stderr, f"a port in use: {second.stderr}")
    first.end(signal.SIGTERM)
    print(f"{n} answers of {len(REVIEWERS)} reviewers over 4 kills, {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
