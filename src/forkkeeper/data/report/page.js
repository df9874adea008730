// Comfort only: without it every text, link and table is there, too.
"use strict";
(() => {
  const root = document.documentElement;

  // The theme: as the system has it, or as was chosen; what was chosen is kept where the browser allows.
  const themes = [["", "as the system"], ["light", "light"], ["dark", "dark"]];
  const button = document.getElementById("theme");
  const kept = () => { try { return localStorage.getItem("forkkeeper-theme") || ""; } catch { return ""; } };
  const keep = (theme) => { try { localStorage.setItem("forkkeeper-theme", theme); } catch { /* not kept */ } };
  const wear = (theme) => {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    button.textContent = `Theme: ${(themes.find(([name]) => name === theme) || themes[0])[1]}`;
  };
  button.hidden = false;
  wear(kept());
  button.addEventListener("click", () => {
    const at = themes.findIndex(([name]) => name === (root.dataset.theme || ""));
    const next = themes[(at + 1) % themes.length][0];
    wear(next);
    keep(next);
  });

  // A link opens what it leads to, and the focus follows it.
  const open = (target) => {
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  const arrive = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    open(target);
    target.scrollIntoView();
    const goal = target.matches("details") ? target.querySelector("summary") : target;
    if (!goal.matches("a, summary, [tabindex]")) goal.tabIndex = -1;
    goal.focus({ preventScroll: true });
  };
  addEventListener("hashchange", arrive);
  if (location.hash) arrive();

  // Tables: a click on a title sorts, a field filters. Values are read once, when they are first needed.
  const value = (cell) => {
    const number = Number(cell.dataset.n ?? cell.textContent.replace(/,/g, ""));
    return cell.textContent === "" ? null : Number.isNaN(number) ? cell.textContent : number;
  };
  const compare = (one, other) => {
    if (one === null || other === null) return (one === null) - (other === null);
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), "en", { numeric: true });
  };
  const original = new WeakMap();
  const rowsOf = (table) => {
    if (!original.has(table)) original.set(table, [...table.tBodies[0].rows]);
    return original.get(table);
  };
  const sort = (table, at, descending) => {
    const keyed = rowsOf(table).map((row) => [value(row.cells[at]), row]);
    keyed.sort(([one], [other]) => one === null || other === null ? compare(one, other) : compare(one, other) * (descending ? -1 : 1));
    table.tBodies[0].replaceChildren(...keyed.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table:not(.matrix)")) {
    if (table.tBodies[0].rows.length < 2) continue;
    const titles = [...table.tHead.rows[0].cells];
    titles.forEach((title, at) => {
      const press = document.createElement("button");
      press.type = "button";
      press.textContent = title.textContent;
      title.replaceChildren(press);
      press.addEventListener("click", () => {
        const descending = title.ariaSort === "ascending";
        for (const other of titles) other.removeAttribute("aria-sort");
        title.ariaSort = descending ? "descending" : "ascending";
        sort(table, at, descending);
      });
    });
    if (table.tBodies[0].rows.length > 12) addFilter(table);
  }
  function addFilter(table) {
    const line = document.createElement("div");
    line.className = "filter";
    const label = document.createElement("label");
    label.textContent = "Filter ";
    const field = document.createElement("input");
    field.type = "search";
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    said.className = "dim";
    label.append(field);
    line.append(label, said);
    table.closest(".scroll").before(line);
    let texts = null;
    field.addEventListener("input", () => {
      const rows = rowsOf(table);
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      const wanted = field.value.toLowerCase();
      let shown = 0;
      rows.forEach((row, at) => {
        const fits = texts[at].includes(wanted);
        if (row.hidden === fits) row.hidden = !fits;
        shown += fits;
      });
      said.textContent = wanted ? `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows` : "";
    });
  }

  // The strip: one stop of the Tab key; arrow keys go between the commits that touch the queue, a click finds a row.
  for (const strip of document.querySelectorAll(".strip")) {
    const links = [...strip.querySelectorAll("a")];
    links.forEach((link, at) => { link.tabIndex = at ? -1 : 0; });
    strip.addEventListener("keydown", (event) => {
      const at = links.indexOf(document.activeElement);
      const moves = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 };
      if (at < 0 || !(event.key in moves)) return;
      event.preventDefault();
      const next = links[Math.max(0, Math.min(links.length - 1, moves[event.key]))];
      links[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    strip.addEventListener("click", (event) => {
      if (!event.target.matches(".squares i")) return;
      const table = document.getElementById(strip.dataset.rows);
      const row = rowsOf(table)[[...strip.querySelectorAll(".squares > *")].indexOf(event.target)];
      open(table);
      row.hidden = false;
      row.tabIndex = -1;
      row.scrollIntoView({ block: "center" });
      row.focus({ preventScroll: true });
    });
  }
})();
