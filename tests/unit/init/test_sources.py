"""What `outage init` reads of an application's code."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.init.application import askable, example_of, ready_of, upstreams_of, with_bodies
from harness.init.files import target_text
from harness.init.go_source import read_go
from harness.init.node_source import read_node
from harness.init.planning import Options, plan_of
from harness.init.python_source import read_python
from harness.openapi.requests import stream_name

FLASK = """
import os
import requests
from flask import Flask

PAYMENTS = os.environ["PAYMENTS_SERVICE_URL"]
STORE = os.getenv("REDIS_URL")

def create_app():
    app = Flask(__name__)

    @app.route("/orders/<int:number>", methods=["POST"])
    def order(number):
        paid = requests.post(f"{PAYMENTS}/pay/{number}").json()
        return {"paid": paid["state"], "by": paid.get("method")}

    @app.get("/health")
    def health():
        return "well"

    return app
"""


def test_a_flask_application_made_by_a_function(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "web.py").write_text(FLASK)
    (tmp_path / "test_web.py").write_text("from flask import Flask\napp = Flask('wrong')\n")
    found = read_python(tmp_path)
    assert found is not None
    assert (found.kind, found.wsgi) == ("Flask", "shop.web:create_app()")
    assert found.command[-4:] == ["shop.web:create_app()", "run", "--port", "{port}"]
    assert found.variables == ["PAYMENTS_SERVICE_URL", "REDIS_URL"]
    assert set(found.routes) == {"POST /orders/{number}", "GET /health"}
    assert found.fields == {"state": 1, "method": 1}


BLUEPRINTS = {
    "shop/__init__.py": "from flask import Flask\nfrom . import loans\n"
    "from shop.items import bp as items\n\ndef create_app():\n    app = Flask('shop')\n"
    "    app.register_blueprint(items)\n"
    "    app.register_blueprint(loans.loans, url_prefix='/v2')\n    return app\n",
    "shop/items.py": "from flask import Blueprint\nfrom .deep.shelves import shelves\n"
    "bp = Blueprint('items', __name__, url_prefix='/items')\nbp.register_blueprint(shelves)\n"
    "@bp.route('/<int:item>')\ndef item(item): ...\n@bp.post('/')\ndef add(): ...\n",
    "shop/loans.py": "loans = Blueprint('loans', __name__, url_prefix='/unused')\n"
    "@loans.get('/loans')\ndef every(): ...\n",
    "shop/deep/__init__.py": "",
    "shop/deep/shelves.py": "shelves = Blueprint('s', __name__, url_prefix='/shelves')\n"
    "@shelves.delete('/<name>')\ndef away(name): ...\n",
}
ROUTERS = {
    "main.py": "from fastapi import FastAPI\nfrom api import v1\napp = FastAPI(openapi_url=None)\n"
    "app.include_router(v1.router, prefix='/api')\n@app.get('/ready')\ndef ready(): ...\n",
    "api/__init__.py": "",
    "api/v1.py": "from fastapi import APIRouter\nfrom . import seats\n"
    "router = APIRouter(prefix='/v1')\nrouter.include_router(seats.router, prefix='/seats')\n",
    "api/seats.py": "router = APIRouter()\n@router.put('')\ndef put(): ...\n"
    "@router.get('/{seat}')\ndef seat(seat): ...\n",
}


@pytest.mark.parametrize(
    ("files", "routes"),
    [
        (
            BLUEPRINTS,
            ["DELETE /items/shelves/{name}", "GET /items/{item}", "GET /v2/loans", "POST /items/"],
        ),
        (ROUTERS, ["GET /api/v1/seats/{seat}", "GET /ready", "PUT /api/v1/seats"]),
    ],
    ids=["blueprints", "routers"],
)
def test_routes_of_python_stand_below_their_routers(
    tmp_path: Path, files: dict[str, str], routes: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_python(tmp_path)
    assert found is not None
    assert sorted(found.routes) == routes


def test_a_fastapi_application(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os\nfrom fastapi import FastAPI\napi = FastAPI()\n"
        "@api.get('/price/{item}')\nasync def price(item): return os.environ.get('RATES_URL', '')\n"
    )
    found = read_python(tmp_path)
    assert found is not None
    assert (found.asgi, found.command[2]) == ("main:api", "uvicorn")
    assert found.routes == ["GET /price/{item}"]


STARLETTE = """
import os
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Mount, Route

class Tour(HTTPEndpoint):
    async def put(self, request): return os.environ["GUIDES_URL"]

inner = [Route("/halls/{hall:int}", places), Route("/tours/{tour}", Tour)]

app = Starlette(routes=[
    Route("/health", lambda request: "well"),
    Mount("/api", routes=[Mount("/v2", routes=inner), Route("/seats", seats, methods=["POST"])]),
])
"""


def test_a_starlette_application_and_what_is_mounted(tmp_path: Path) -> None:
    """It describes itself nowhere, so it isn't asked to."""
    (tmp_path / "app.py").write_text(STARLETTE)
    found = read_python(tmp_path)
    assert found is not None
    assert (found.kind, found.asgi) == ("Starlette", "app:app")
    assert found.routes == [
        "GET /health",
        "GET /api/v2/halls/{hall:int}",
        "PUT /api/v2/tours/{tour}",
        "POST /api/seats",
    ]
    assert [one["request"] for one in askable(found.routes, {})] == [
        "GET /api/v2/halls/1",
        "PUT /api/v2/tours/1",
        "POST /api/seats",
    ]


def test_fields_that_are_read_of_what_a_helper_decodes(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os\nfrom fastapi import FastAPI, Request\napp = FastAPI()\n"
        "async def ask(client, url):\n    return await (await client.get(url)).json()\n"
        "@app.get('/tonight')\nasync def tonight():\n"
        "    body = await ask(client, os.environ['SKY_URL'])\n    return body['clouds']\n"
        "@app.post('/slots')\nasync def slot(request: Request):\n"
        "    return (await request.json())['hour']\n"
    )
    found = read_python(tmp_path)
    assert found is not None
    assert found.fields == found.body == {"clouds": 1, "hour": 1}
    described = [{"request": "GET /tonight"}, {"request": "POST /slots"},
                 {"request": "PUT /slots", "json": {"own": 2}}]  # fmt: skip
    asked = with_bodies(described, {"hour": 1})
    assert [one.get("json") for one in asked] == [None, {"hour": 1}, {"own": 2}]


def test_fields_that_one_file_reads_of_what_another_decodes(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from fastapi import FastAPI\nimport clients\napp = FastAPI()\n"
        "@app.get('/books')\ndef books(): return clients.ask()['copies']\n"
    )
    (tmp_path / "clients.py").write_text("def ask(): return requests.get(BASE).json()\n")
    found = read_python(tmp_path)
    assert found is not None
    assert found.fields == {"copies": 1}


def test_fields_of_requests_that_flask_reads(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from flask import Flask, request\napp = Flask('x')\n"
        "@app.post('/samples')\ndef sample():\n    body = request.get_json()\n"
        "    return body['name']\n"
    )
    found = read_python(tmp_path)
    assert found is not None
    assert found.body == {"name": 1}


def test_fields_that_node_takes_of_what_a_helper_gives(tmp_path: Path) -> None:
    (tmp_path / "server.js").write_text(
        "app.get('/suits', async (q, s) => {\n"
        "  const { metres } = await cloth.execute(() => ask(`${process.env.CLOTH_URL}/x`));\n});\n"
    )
    found = read_node(tmp_path)
    assert found is not None
    assert found.fields == {"metres": 1}


def test_a_node_application_by_its_start_script(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"start": "node src/web.js"}}')
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "web.js").write_text(
        "const { STOCK_URL, LOG_LEVEL } = process.env\n"
        "app.post('/orders/:id', async (q, r) => {\n"
        "  const found = await answer.json()\n  r.json({ left: found.left })\n})\n"
        "if (request.url === '/health') done(process.env.MAIL_API_URL)\n"
    )
    found = read_node(tmp_path)
    assert found is not None
    assert found.command == ["node", "src/web.js"]
    assert set(found.variables) == {"STOCK_URL", "LOG_LEVEL", "MAIL_API_URL"}
    assert found.routes == ["POST /orders/{id}", "GET /health"]
    assert found.fields == {"left": 1}


def test_a_go_application_and_the_kinds_of_its_fields(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/shop\n")
    (tmp_path / "main.go").write_text(
        'package main\nvar base = os.Getenv("RATES_BASE_URL")\n'
        'type said struct {\n\tRate float64 `json:"rate"`\n\tUnit string\n\thidden int\n}\n'
        'func main() { http.HandleFunc("POST /orders/{id}", order); r.Get("/price", price) }\n'
    )
    found = read_go(tmp_path)
    assert found is not None
    assert found.command == ["go", "run", "."]
    assert found.variables == ["RATES_BASE_URL"]
    assert found.fields == {"rate": 1, "unit": "1"}
    assert found.routes == ["POST /orders/{id}", "GET /price"]


def test_routes_of_go_stand_below_their_groups(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module parking\n")
    (tmp_path / "main.go").write_text("""
func main() {
    router := chi.NewRouter()
    router.Get("/ready", ready)
    router.Route("/tickets", func(r chi.Router) {
        r.Get("/", func(w http.ResponseWriter, r *http.Request) { say(w, map[string]any{}) })
        r.Route("/{ticket}", func(r chi.Router) { r.Post("/pay", pay) })
    })
    api := engine.Group("/api")
    v2 := api.Group("/v2")
    v2.GET("/prices/:item", price)
    header := request.Header.Get("X-Mode")
}
""")
    found = read_go(tmp_path)
    assert found is not None
    assert found.routes == [
        "GET /ready", "GET /tickets", "POST /tickets/{ticket}/pay", "GET /api/v2/prices/{item}",
    ]  # fmt: skip


def test_routes_of_go_stand_where_their_groups_are_handed_to(tmp_path: Path) -> None:
    """In other files, as an argument, mounted as what a function gives back, or stripped."""
    (tmp_path / "go.mod").write_text("module ferry\n")
    (tmp_path / "main.go").write_text("""
func main() {
    engine := gin.New()
    api := engine.Group("/api/v2")
    registerItems(api, store)
    boats.Register(api.Group("/boats"), 7)
    root.Mount("/desk", deskRoutes(7))
    root.Route("/v4", func(r chi.Router) {
        pilots(r)
        r.Mount("/tugs", tugRoutes())
    })
    inner := http.NewServeMux()
    inner.HandleFunc("GET /lanes/{lane}", lane)
    mux.Handle("/v3/", http.StripPrefix("/v3", inner))
}
""")
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "routes.go").write_text("""
func registerItems(to *gin.RouterGroup, store *Store) {
    to.GET("/items/:item", item)
    old := to.Group("/old")
    old.POST("", add)
}
func Register(group *gin.RouterGroup, most int) { group.DELETE("/:boat", sink) }
func pilots(r chi.Router) { r.Get("/pilots", list) }
func tugRoutes() chi.Router { t := chi.NewRouter(); t.Get("/{tug}", tug); return t }
func (d *Desk) deskRoutes(seats int) chi.Router {
    r := chi.NewRouter()
    r.Put("/seat", seat)
    return r
}
""")
    found = read_go(tmp_path)
    assert found is not None
    assert found.routes == [
        "GET /v3/lanes/{lane}", "GET /api/v2/items/{item}", "POST /api/v2/old",
        "DELETE /api/v2/boats/{boat}", "GET /v4/pilots", "GET /v4/tugs/{tug}", "PUT /desk/seat",
    ]  # fmt: skip


def test_variables_that_a_helper_or_a_tag_reads(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/brewery\n")
    (tmp_path / "main.go").write_text(
        'package main\nvar a = env("CELLAR_URL", "http://cellar:7000")\n'
        'var b = mustGetEnv("MALT_ADDR")\ntype config struct {\n'
        '\tHops string `env:"HOPS_URL,required"`\n\tKegs string `envconfig:"KEGS_URL"`\n}\n'
    )
    go = read_go(tmp_path)
    assert go is not None
    assert go.variables == ["CELLAR_URL", "MALT_ADDR", "HOPS_URL", "KEGS_URL"]
    (tmp_path / "app.js").write_text(
        "import { env } from 'node:process'\nconst a = env.SEATS_URL, b = requireEnv('FILMS_URL')\n"
    )
    node = read_node(tmp_path)
    assert node is not None
    assert node.variables == ["SEATS_URL", "FILMS_URL"]
    (tmp_path / "app.py").write_text(
        "from flask import Flask\napp = Flask('x')\na = env.str('MILL_URL')\n"
        "b = config('OVENS_URL', default='')\nc = require_env('SALT_URL')\n"
    )
    python = read_python(tmp_path)
    assert python is not None
    assert python.variables == ["MILL_URL", "OVENS_URL", "SALT_URL"]


def test_fields_of_requests_that_node_reads(tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text(
        "app.post('/bookings', (req, res) => {\n  const { show, seat: place } = req.body ?? {}\n"
        "  buy(req.body.price)\n})\n"
    )
    found = read_node(tmp_path)
    assert found is not None
    assert found.body == {"show": 1, "seat": 1, "price": 1}
    assert askable(found.routes, found.body) == [
        {"request": "POST /bookings", "json": {"show": 1, "seat": 1, "price": 1}}
    ]


DJANGO = {
    "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery.settings")\n',
    "bakery/settings.py": 'import os\nMILL_URL = os.environ.get("MILL_URL", "http://mill")\n',
    "bakery/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
    "application = get_wsgi_application()\n",
    "bakery/urls.py": "from django.urls import include, path\nfrom bakery import views\n"
    'urlpatterns = [path("ping", views.ping), path("flour/<str:kind>", views.flour),\n'
    '    path("api/", include("bakery.api")), path("admin/", admin.site.urls)]\n',
    "bakery/api.py": 'urlpatterns = [path("loaves", views.loaves), path("", views.everything)]\n',
    "bakery/views.py": "import json\n@require_POST\ndef loaves(request):\n"
    '    number = json.loads(request.body)["number"]\n'
    "def flour(request, kind):\n    return requests.get(url).json()['kilo']\n",
}


def test_its_own_python_is_used_where_it_has_one(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK)
    assert read_python(tmp_path).python is None  # type: ignore[union-attr]
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").write_text("")
    plan = plan_of(tmp_path, Options())
    start = plan.target().start
    assert start is not None
    assert (start.python, start.command[0]) == ("venv/bin/python", "{python}")
    text = target_text(
        "shop", plan.application, ready="GET /", upstreams=plan.upstreams, stubs={}, measured=None
    )
    assert "python: venv/bin/python" in text


def test_a_django_project(tmp_path: Path) -> None:
    for name, text in DJANGO.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_python(tmp_path)
    assert found is not None
    assert (found.kind, found.wsgi, found.read) == (
        "Django", "bakery.wsgi:application", "manage.py",
    )  # fmt: skip
    assert found.command == [
        "{python}", "manage.py", "runserver", "127.0.0.1:{port}", "--noreload",
    ]  # fmt: skip
    assert found.variables == ["MILL_URL"]
    assert found.routes == ["GET /ping", "GET /flour/{kind}", "POST /api/loaves", "GET /api/"]
    assert (found.fields["kilo"], found.body["number"]) == (1, 1)


def test_variables_that_hold_addresses_and_others() -> None:
    found, said = upstreams_of(["PORT", "RATES_URL", "REDIS_URL", "LOG_LEVEL", "MAIL_SERVER_URL"])
    assert found == {"RATES_URL": "rates", "MAIL_SERVER_URL": "mail"}
    assert said == ["REDIS_URL seems to name what doesn't speak HTTP: left as it is"]
    found, _ = upstreams_of(["TIMETABLE_ADDR", "DECK_SERVICE", "CATALOGUE_URI", "MONGO_URI"])
    assert list(found.values()) == ["timetable", "deck", "catalogue"]
    assert example_of(["PORT", "VALVES_HOST"]) == "--upstream VALVES_HOST=valves"


def test_what_can_be_asked() -> None:
    routes = ["GET /healthz", "GET /orders/{id}", "POST /orders", "GET /docs"]
    assert ready_of(routes) == "GET /healthz"
    assert ready_of(["GET /price"]) == "GET /"
    assert [ready_of([f"GET {path}"]) for path in ("/live", "/up", "/alive", "/livez")] == [
        "GET /live", "GET /up", "GET /alive", "GET /livez",
    ]  # fmt: skip
    assert askable(routes, {}) == [
        {"request": "GET /orders/1"},
        {"request": "POST /orders", "json": {}},
    ]
    taken: set[str] = set()
    assert [stream_name(r, taken) for r in ("GET /orders/1", "POST /orders", "GET /")] == [
        "orders",
        "post_orders",
        "root",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(), "no Flask, FastAPI, Starlette, Django, Node or Go application"),
        (Options(start="./gateway"), "--upstream PAYMENTS_URL=payments"),
        (Options(start="./gateway", upstreams=("PAYMENTS",)), "expected VARIABLE=NAME"),
        (Options(start="x", upstreams=("A=a",), answers=("b {}",)), "expected one of a"),
        (Options(start="x", upstreams=("A=a",), answers=("a {",)), "no JSON after 'a'"),
        (Options(start="x", upstreams=("A=a",), routes=("price",)), "a method and a path"),
    ],
)
def test_what_is_missing_is_named_with_the_option_that_says_it(
    tmp_path: Path, options: Options, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        plan_of(tmp_path, options)


@pytest.mark.parametrize("name", ["f'{name.upper()}_URL'", "name + '_URL'"])
def test_variables_that_the_code_names_as_it_goes_are_to_be_said(tmp_path: Path, name: str) -> None:
    text = (
        "from flask import Flask\nimport os\napp = Flask('x')\n"
        f"a = lambda name: os.environ[{name}]\n@app.get('/a')\ndef a(): return a('b')\n"
    )
    (tmp_path / "app.py").write_text(text)
    said = r"names as it goes \(\.\.\._URL\): say each with --upstream VARIABLE=NAME"
    with pytest.raises(UsageError, match=said):
        plan_of(tmp_path, Options())
    (tmp_path / "app.py").write_text(f"{text}b = os.environ['STOCK_URL']\n")
    notes = plan_of(tmp_path, Options()).notes
    assert any("--upstream VARIABLE=NAME" in note for note in notes)


def test_options_go_before_guesses(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK)
    options = Options(
        upstreams=("P=pay", "S=stock"),
        routes=('POST /orders/1 {"item": 3}',),
        answers=('pay {"state": "paid"}', "stock [101, 102]"),
        ready="GET /",
    )
    plan = plan_of(tmp_path, options)
    assert plan.upstreams == {"P": "pay", "S": "stock"}
    assert plan.streams == {"orders": {"request": "POST /orders/1", "json": {"item": 3}}}
    assert plan.answers == {"pay": {"state": "paid"}, "stock": [101, 102]}
    target = plan.target(plan.streams)
    assert target.start is not None
    assert target.stubs["pay"][1].route == "POST /"
