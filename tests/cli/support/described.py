"""/openapi.json as a contract: every answer and every body is held to what it says."""
import json
import re

from support import debian_python

debian_python.require("jsonschema")
from jsonschema import Draft202012Validator  # noqa: E402
from support.served import Served  # noqa: E402


def validator(document, schema):
    """References lead into the whole document."""
    return Draft202012Validator(schema | {"components": document["components"]})


class Described:
    def __init__(self, document):
        self.document = document
        self.templates = [(path, re.compile(re.sub(r"\\{[a-z]+\\}", "([^?]+)", re.escape(path)) + r"(\?.*)?$"))
                          for path in sorted(document["paths"], key=lambda path: path.count("{"))]

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operation(self, method, target):
        """Its path's template and what is said of it; None: there is no such operation."""
        for path, pattern in self.templates:
            found = pattern.match(target)
            operation = self.document["paths"][path].get("get" if method == "HEAD" else method.lower())
            if found and operation and self.has_whole_segments(path, found):
                return path, operation
        return None

    @staticmethod
    def has_whole_segments(path, found):
        """Only the tiles' paths, which go on with several segments, end in what has slashes."""
        inner = [value for value in found.groups()[:-1] if value]
        return path.startswith("/v1/log/tile/") or not any("/" in value for value in inner)

    def wrong_with(self, method, target, reply):
        """In words; None: the answer is as described."""
        found = self.operation(method, target)
        if not found:
            return None if reply.status in (404, 405) else f"{method} {target} is not described"
        path, operation = found
        response = operation["responses"].get(str(reply.status))
        if response is None:
            if reply.status < 400:
                return f"{method} {path}: {reply.status} is not described"
            response = operation["responses"]["default"]
        response = self.resolve(response)
        missing = [name for name in ("X-Request-Id",) if name not in reply.fields]
        if missing or "X-Request-Id" not in response["headers"]:
            return f"{method} {path}: no X-Request-Id"
        for name in ("ETag", "RateLimit", "Retry-After", "Location"):
            if name in reply.fields and name not in response["headers"] and reply.status < 400:
                return f"{method} {path}: {name} is not described"
        kind = reply.fields.get("Content-Type", "").split(";")[0]
        if kind not in response["content"]:
            return f"{method} {path}: {kind} is not described for {reply.status}"
        schema = response["content"][kind].get("schema")
        if schema and method != "HEAD":
            for error in validator(self.document, schema).iter_errors(reply.json):
                return f"{method} {path}: {list(error.path)}: {error.message}"
        return None

    def body_errors(self, method, target, body):
        """Why this body is none for this operation; empty: it is one."""
        path, operation = self.operation(method, target)
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return [f"{path}: {list(error.path)}: {error.message}"
                for error in validator(self.document, schema).iter_errors(body)]

    @property
    def command_paths(self):
        """Of each command by its name."""
        return {operation["operationId"].removesuffix(".named"): path for path, operations in
                self.document["paths"].items() for operation in [operations.get("post", {})]
                if operation.get("tags") == ["commands"]}

    def answer_schema(self, command, is_refusal):
        responses = self.document["paths"][self.command_paths[command]]["post"]["responses"]
        if is_refusal:
            return self.document["components"]["schemas"]["Problem"]
        done = responses.get("200") or responses["201"]
        return done["content"]["application/json"]["schema"]

    def errors(self, schema, answer):
        return [f"{list(error.path)}: {error.message}" for error in
                validator(self.document, schema).iter_errors(answer)]

    def faults(self):
        """What is wrong with the document itself, in words."""
        names = []
        for path, operations in self.document["paths"].items():
            shared = operations.get("parameters", [])
            for method, operation in operations.items():
                if method == "parameters":
                    continue
                names += [operation["operationId"]] if "operationId" in operation else []
                parameters = [self.resolve(each) for each in shared + operation.get("parameters", [])]
                named = {each["name"] for each in parameters if each["in"] == "path"}
                if named != set(re.findall(r"\{([a-z]+)\}", path)):
                    yield f"{method} {path}: its path's parameters are {named}"
                if "default" not in operation["responses"]:
                    yield f"{method} {path}: no default"
        for name in {name for name in names if names.count(name) > 1}:
            yield f"operationId {name} stands twice"
        for node in self.nodes(self.document):
            if "schema" in node:
                Draft202012Validator.check_schema(node["schema"])
            if "$ref" in node:
                self.resolve(node)  # a KeyError when it leads nowhere

    def nodes(self, node):
        if isinstance(node, dict):
            yield node
            for each in node.values():
                yield from self.nodes(each)
        elif isinstance(node, list):
            for each in node:
                yield from self.nodes(each)


class HeldServed(Served):
    """Whatever it answers is held to its description."""

    def __init__(self, ledger, report, *options, **more):
        super().__init__(ledger, *options, **more)
        self.report, self.described = report, None
        self.described = Described(super().ask("GET", "/openapi.json").json)

    def ask(self, method, path, *args, **more):
        reply = super().ask(method, path, *args, **more)
        self.report.equal(self.described.wrong_with(method, path, reply), None, f"{method} {path} as described")
        return reply


def scenario_commands(folder):
    """Every command of the scenarios: its file, its name, its body, and whether its values are refused (R-LED-4)."""
    for file in sorted(folder.glob("*.ndjson")):
        for line in file.read_text().splitlines():
            step = json.loads(line) if line.strip() and not line.startswith("#") else {}
            if "command" in step:
                is_bad = step.get("expect", {}).get("code") == "bad_value"
                around = ("command", "expect", "save", "cites")
                body = {name: value for name, value in step.items() if name not in around}
                yield file.name, step["command"], body, is_bad
