"""OpenAPI files as stubs: what each operation answers when all is well.

    routes_of(path)    the routes of a file, 3.x or Swagger 2.0, each with one answer

`document` reads a file within bounds and follows its references, `responses` picks an operation's
answer and its example, `smallest` makes a value of a schema that has none, `shortest` a text of a
pattern. Everything that is wrong with a file is named by its line.
"""

from harness.openapi.responses import routes_of

__all__ = ["routes_of"]
