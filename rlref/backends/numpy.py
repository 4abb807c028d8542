"""Our own vectorized code and its derivatives: what `rlref verify` judges when it is given no name."""

from rlref.pages import pages

for _page in pages().values():
    globals()[_page.short] = _page.vectorized
    globals()[f"{_page.short}_vjp"] = _page.vjp
