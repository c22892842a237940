"""Receivers of what the pages of interop_engines.py send by HTTP.

Qdrant's requests are held against the official models and then done by Qdrant's own engine, which runs in
this process. Elasticsearch's and OpenSearch's are only looked at: what they hold and how the score is made
is what their documentation says.
"""

import contextlib
import http.server
import json
import threading

import numpy as np


class QdrantEngine:
    """The collection `items` of a Qdrant server."""

    def __init__(self, folder):
        import qdrant_edge
        from qdrant_client import models
        self.edge, self.models, self.folder = qdrant_edge, models, folder

    def answer(self, method, path, kind, body):
        edge, place = self.edge, f"{method} {path}"
        if kind != "application/json":
            raise ValueError(f"content type {kind}")
        if place == "PUT /collections/items":
            vectors = self.models.CreateCollection.model_validate_json(body).vectors
            self.folder.mkdir()
            self.shard = edge.EdgeShard.create(str(self.folder), edge.EdgeConfig(vectors=edge.EdgeVectorParams(
                size=vectors.size, distance=getattr(edge.Distance, vectors.distance.value))))
            return {"result": True}
        if place == "PUT /collections/items/points?wait=true":
            points = self.models.PointsList.model_validate_json(body).points
            self.shard.update(edge.UpdateOperation.upsert_points(
                [edge.Point(p.id, p.vector, p.payload) for p in points]))
            return {"result": {"status": "completed"}}
        if place == "POST /collections/items/points/query":
            asked = self.models.QueryRequest.model_validate_json(body)
            points = self.shard.query(edge.QueryRequest(
                limit=asked.limit, query=edge.Query.Nearest(asked.query), with_payload=asked.with_payload,
                score_threshold=asked.score_threshold))
            return {"result": {"points": [
                {"id": p.id, "score": p.score, "payload": p.payload} for p in points]}}
        raise ValueError(f"there is no {place}")


class DocumentedSearch:
    """The index `items` as Elasticsearch and OpenSearch document it; no engine of theirs is run."""

    def answer(self, method, path, kind, body):
        place = f"{method} {path}"
        if place == "PUT /items":
            self.declare(json.loads(body))
            return {"acknowledged": True}
        if place.startswith("POST /items/_bulk"):
            if kind != "application/x-ndjson" or not body.endswith(b"\n"):
                raise ValueError("the bulk protocol wants lines of JSON, of which the last one ends")
            lines = [json.loads(line) for line in body.splitlines()]
            for action, document in zip(lines[::2], lines[1::2], strict=True):
                if set(action) != {"index"} or set(document) - {"class", "name"} != {"vector"}:
                    raise ValueError(f"action {action}, fields {list(document)}")
                self.add(action["index"]["_id"], document)
            return {"errors": False}
        if place == "POST /items/_search":
            return self.search(json.loads(body))
        raise ValueError(f"there is no {place}")

    def declare(self, body):
        fields = body["mappings"]["properties"]
        if fields["class"]["type"] not in ("long", "keyword") or fields["name"]["type"] != "keyword":
            raise ValueError(f"fields {fields}")
        field = fields["vector"]
        self.open = field["type"] == "knn_vector"
        if self.open:
            if body["settings"] != {"index.knn": True} or field["method"]["engine"] != "faiss":
                raise ValueError("OpenSearch needs index.knn")
            self.dimension = field["dimension"]
            self.space = {"innerproduct": "max_inner_product", "l2": "l2_norm"}[field["method"]["space_type"]]
        else:
            if field["type"] != "dense_vector" or field["index_options"] != {"type": "hnsw"}:
                raise ValueError(f"field {field}")
            self.dimension, self.space = field["dims"], field["similarity"]
        self.ids, self.rows, self.documents = [], [], {}

    def add(self, name, document):
        row = np.array(document["vector"], dtype=np.float32)
        unit = abs(float(row.astype(np.float64) @ row) - 1) < 1e-4
        if row.shape != (self.dimension,) or not isinstance(name, str) or name in self.documents:
            raise ValueError(f"row {name} has {row.shape}")
        if self.space == "dot_product" and not unit:
            raise ValueError(f"row {name} is not of unit length")
        self.ids.append(name)
        self.rows.append(row)
        self.documents[name] = {k: v for k, v in document.items() if k != "vector"}

    def search(self, body):
        if self.open:
            (field, asked), = body["query"]["knn"].items()
            query, count = asked["vector"], min(asked["k"], body["size"])
        else:
            field, query, count = (body["knn"][k] for k in ("field", "query_vector", "k"))
            if body["knn"]["num_candidates"] < count:
                raise ValueError("num_candidates is less than k")
        rows, query = np.array(self.rows, dtype=np.float64), np.array(query)
        product = rows @ query
        scores = {
            "dot_product": (1 + product) / 2,
            "max_inner_product": np.where(product < 0, 1 / (1 - np.minimum(product, 0)), product + 1),
            "l2_norm": 1 / (1 + ((rows - query) ** 2).sum(1)),
        }[self.space]
        order = [i for i in np.argsort(-scores, kind="stable")[:count] if scores[i] >= body["min_score"]]
        return {"hits": {"hits": [
            {"_id": self.ids[i], "_score": float(scores[i]), "_source": self.documents[self.ids[i]]}
            for i in order]}} if field == "vector" else {}

    def similarity(self, score):
        """The inner product, or the negated distance, that a score stands for."""
        if self.space == "l2_norm":
            return -np.sqrt(max(0, 1 / score - 1))
        if self.space == "dot_product":
            return 2 * score - 1
        return score - 1 if score >= 1 else 1 - 1 / score


@contextlib.contextmanager
def serving(engine):
    """A server on a free port of this machine that answers with an engine; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, answer = 200, engine.answer(self.command, self.path, self.headers["Content-Type"], body)
            except Exception as error:  # whatever is wrong with a request fails the command that sent it
                status, answer = 400, {"error": str(error)}
                print(f"interop: {self.command} {self.path}: {error}", flush=True)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_PUT

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
