"""`report.html`: the run for people, one file that opens offline and fetches nothing.

`overview` says what is the matter, in the order of worth; `columns` tells each scene in few bytes,
`thinning` what of it where there is too much; `assets` are the page's own style and script, and the
charting library, all of them in the file, under a policy that lets nothing else run. Texts from
outside reach the page through the template, which escapes them, or packed, as data that the
script writes as text and never as markup.
"""

from harness.report.page.render import report_html

__all__ = ["report_html"]
