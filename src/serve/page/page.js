// Keeps the page live: swaps in the fragments that the server has drawn anew. Draws nothing itself.
(() => {
  "use strict";
  const AGAIN_MS = 15000, TYPED_MS = 250;
  const live = document.querySelector(".live");
  let events = null, again = 0;

  const tell = (what) => {
    for (const one of live.children) one.hidden = !one.classList.contains(what);
  };

  // What a reader has opened stays open, and what has the focus keeps it.
  const swap = (markup) => {
    const parsed = new DOMParser().parseFromString(markup, "text/html").body;
    const focused = document.activeElement && document.activeElement.id;
    for (const fresh of [...parsed.children]) {
      const old = document.getElementById(fresh.id);
      if (!old) continue;
      for (const details of fresh.querySelectorAll("details[id]")) {
        const before = document.getElementById(details.id);
        if (before) details.open = before.open;
      }
      old.className = fresh.className;
      old.replaceChildren(...fresh.childNodes);
    }
    const kept = focused && document.getElementById(focused);
    if (kept && kept !== document.activeElement) kept.focus({ preventScroll: true });
  };

  const stop = () => {
    clearTimeout(again);
    if (events) events.close();
    events = null;
  };

  const follow = () => {
    stop();
    events = new EventSource("/events" + location.search);
    events.addEventListener("open", () => tell("on"));
    events.addEventListener("swap", (event) => swap(event.data));
    events.addEventListener("error", () => {
      tell("lost");
      // A browser comes back by itself, unless it was refused.
      if (events && events.readyState === EventSource.CLOSED) again = setTimeout(follow, AGAIN_MS);
    });
  };

  // A page that nobody looks at takes no connection.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : follow()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && follow());

  const filter = document.getElementById("filter");
  if (filter) {
    let typed = 0;
    const apply = () => {
      const asked = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value !== ""));
      history.replaceState(null, "", asked.size ? "/?" + asked : "/");
      follow();
    };
    filter.addEventListener("input", () => {
      clearTimeout(typed);
      typed = setTimeout(apply, TYPED_MS);
    });
    addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        event.preventDefault();
        document.getElementById("q").focus();
      }
    });
  }
  if (!document.hidden) follow();
})();
