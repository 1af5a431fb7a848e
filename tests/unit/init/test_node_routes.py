"""Routes of Node applications, below what they stand in."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.init.node_routes import node_routes
from harness.init.node_source import read_node

EXPRESS = {
    "server.js": """
const express = require('express');
const items = require("./routes/items");
const { loans: lent, deskRoutes } = require('./routes');
const app = express();
app.use(express.json());
app.get('/health', (req, res) => res.send('well'));  // app.get('/never', x)
app.use('/api', require('./auth').guard, items);
app.use('/api/v2/', lent({ limit: 7 }));
require('./extra')(app, { deep: true });
deskRoutes(items);
app.use((req, res) => res.status(404).end());
""",
    "auth.js": "exports.guard = (req, res, next) => { if (/['\"]/.test(req.url)) next(); };",
    "routes/items.js": """
const { Router } = require('express');
const router = Router({ mergeParams: true });
const inner = express.Router();
router.route('/').get(list).post(async (req, res) => { res.json({}); });
router.get(`/items/:id(\\\\d+)`, async (req, res) => { cache.get('/not-a-route', 1); });
inner.put('/:copy?', move);
router.use('/shelves/:shelf', inner);
module.exports = router;
""",
    "routes/index.js": "module.exports = { loans: require('./loans'), deskRoutes };\n"
    "function deskRoutes(at) { at.delete('/desk', (q, s) => s.end()); }\n",
    "routes/loans.js": """
module.exports = function (settings) {
  const router = express.Router();
  router.post('/loans', lend).get('/loans/:loan', show);
  return router;
};
""",
    "extra.js": "module.exports = (server, deep) => { server.patch('/extra', (q, s) => s.end()) }",
    "node_modules/x/index.js": "app.get('/wrong', x)",
}


def test_routers_of_express_stand_where_they_are_used(tmp_path: Path) -> None:
    """In other files, in each other, made by functions, and handed to them."""
    for name, text in EXPRESS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_node(tmp_path)
    assert found is not None
    assert sorted(found.routes) == [
        "DELETE /api/desk",
        "GET /api",
        "GET /api/items/{id}",
        "GET /api/v2/loans/{loan}",
        "GET /health",
        "PATCH /extra",
        "POST /api",
        "POST /api/v2/loans",
        "PUT /api/shelves/{shelf}/{copy}",
    ]


MODULES = {
    "app.ts": """
import express, { type Express } from 'express';
import seats, { gates as doors } from './seats.js';
import * as all from './all';
export const app: Express = express();
app.use('/v1', seats);
app.use('/doors', doors);
app.use(all.prices);
""",
    "seats.ts": """
import { Router } from 'express';
const router: Router = Router();
router.get('/seats/:seat', async (req: Request, res: Response): Promise<void> => { });
export default router;
export const gates = express.Router();
gates.get('/', open);
""",
    "all/index.ts": "export { router as prices } from './prices';",
    "all/prices.ts": "export const router = Router(); router.get('/prices', (a, b) => b.end());",
}
KOA = {
    "app.js": """
const Router = require('@koa/router');
const app = new Koa();
const root = new Router({ prefix: '/api' });
root.use('/boats', require('./boats').routes(), guard);
app.use(root.routes()).use(root.allowedMethods());
""",
    "boats.js": "const router = new Router();\nrouter.get('/:id', one);\nmodule.exports = router;",
}
FASTIFY = {
    "server.mjs": """
import Fastify from 'fastify';
import trams from './trams.mjs';
const fastify = Fastify({ logger: true });
fastify.register(trams, { prefix: '/api/trams' });
await fastify.register(async (own, options) => {
  own.route({ method: ['GET', 'POST'], url: '/stops', handler: stops });
}, { prefix: '/v1' });
fastify.get('/ready', async () => 'well');
""",
    "trams.mjs": """
export default async function (tram, options) {
  tram.get('/:line', { schema }, async (request) => ({}));
  tram.register(lines, { prefix: '/lines' });
}
async function lines(f) { f.post('/', add); }
""",
}


@pytest.mark.parametrize(
    ("files", "routes"),
    [
        (MODULES, ["GET /doors", "GET /prices", "GET /v1/seats/{seat}"]),
        (KOA, ["GET /api/boats/{id}"]),
        (
            FASTIFY,
            [
                "GET /api/trams/{line}", "GET /ready", "GET /v1/stops", "POST /api/trams/lines",
                "POST /v1/stops",
            ],
        ),
        # What is called round in a circle, or never mounted, is read all the same.
        ({"a.js": "const r = Router(); r.use('/x', r); r.get('/y', z)"}, ["GET /y"]),
        (
            {
                "a.js": "const a = Router(); a.use('/b', require('./b')); a.get('/y', z);"
                "module.exports = a;",
                "b.js": "const b = Router(); b.use('/a', require('./a')); module.exports = b;",
            },
            None,
        ),
    ],
    ids=["modules", "koa", "fastify", "itself", "circle"],
)  # fmt: skip
def test_routes_of_other_files(files: dict[str, str], routes: list[str] | None) -> None:
    found = sorted(node_routes(files))
    assert routes is None or found == routes
