"""A small program that instruments itself, to have something to watch.

python examples/demo.py [ENDPOINT]
"""

import random
import sys
import threading
import time

from zibrato import Zibrato

z = Zibrato(sys.argv[1] if len(sys.argv) > 1 else None, source="demo")
orders: list[int] = []


@z.time_me(level="debug", name="shop.render_timer")
@z.count_me(name="shop.render_counter")
def render(page: str) -> str:
    """Take a few milliseconds, as templates do; fail sometimes, as templates do."""
    time.sleep(random.lognormvariate(-5.5, 0.6))
    if random.random() < 0.02:
        raise LookupError(page)
    return f"<h1>{page}</h1>"


def visit() -> None:
    """Look at pages until the process ends, and order something now and then."""
    while True:
        try:
            render(random.choice(["home", "search", "basket"]))
        except LookupError:
            z.count(name="shop.errors", level="error")
        if random.random() < 0.1:
            orders.append(random.randint(1, 5))
            with z.Count_me(name="shop.items_sold", value=orders[-1]), z.Time_me(name="shop.query"):
                time.sleep(0.001)


def main() -> None:
    """Let four visitors in, and report how long the list of orders is."""
    for _ in range(4):
        threading.Thread(target=visit, daemon=True).start()
    while True:
        z.gauge(name="shop.orders", value=len(orders))
        time.sleep(0.5)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        z.close()
