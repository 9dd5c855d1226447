(() => {
  const data = JSON.parse(document.getElementById("moments").textContent);
  const tip = document.getElementById("tip");
  const plots = [...document.querySelectorAll(".plot")];
  let at = data.peak;

  const bytes = n => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let i = 0;
    while (n >= 1024 && i < 4) { n /= 1024; i++; }
    return (i === 0 || n >= 100 ? n.toFixed(0) : n.toFixed(1)) + " " + units[i];
  };
  const seconds = s =>
    s >= 3600 ? Math.floor(s / 3600) + " h " + Math.round(s % 3600 / 60) + " min"
    : s >= 100 ? Math.floor(s / 60) + " min " + Math.round(s % 60) + " s"
    : s >= 1 ? s.toPrecision(3) + " s"
    : s >= 1e-3 ? (s * 1e3).toPrecision(3) + " ms" : (s * 1e6).toFixed(0) + " µs";
  const element = (parent, name, text, className) => {
    const e = parent.appendChild(document.createElement(name));
    if (text) e.textContent = text;
    if (className) e.className = className;
    return e;
  };
  const row = (table, key, name, amount) => {
    const tr = element(table, "tr", "", key ? "" : "total"), cell = element(tr, "td");
    if (key) element(cell, "span", "", "swatch").style.background = `var(--${key})`;
    cell.append(name);
    element(tr, "td", amount);
  };

  const show = (moment, plot, clientX, clientY) => {
    at = Math.max(0, Math.min(data.x.length - 1, moment));
    const from = data.x[at], to = at + 1 < data.x.length ? data.x[at + 1] : 1;
    for (const other of plots) {
      const cross = other.querySelector(".cross");
      cross.style.display = "block";
      cross.style.left = (from + to) * 50 + "%";
    }
    const [pass, scope, operation] = data.labels[data.label[at]];
    tip.replaceChildren();
    element(tip, "span", seconds(data.seconds[at]) + " · " + pass, "quiet");
    element(tip, "strong", scope || operation);
    if (scope) element(tip, "div", operation);
    const table = element(tip, "table");
    let total = 0;
    for (const layer of [...data.layers].reverse()) {
      const amount = typeof layer.bytes === "number" ? layer.bytes : layer.bytes[at];
      total += amount;
      if (amount > 0) row(table, layer.key, layer.name, bytes(amount));
    }
    row(table, "", "in use", bytes(total));
    tip.style.display = "block";
    const box = tip.getBoundingClientRect();
    const left = clientX + 18 + box.width > innerWidth ? clientX - 18 - box.width : clientX + 18;
    tip.style.left = Math.max(8, Math.min(left, innerWidth - box.width - 8)) + "px";
    tip.style.top = Math.max(8, Math.min(clientY - box.height / 2, innerHeight - box.height - 8)) + "px";
  };
  const hide = () => {
    tip.style.display = "none";
    for (const plot of plots) plot.querySelector(".cross").style.display = "none";
  };
  const find = x => {
    let low = 0, high = data.x.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (data.x[middle] <= x) low = middle; else high = middle - 1;
    }
    return low;
  };

  for (const plot of plots) {
    const point = event => {
      const box = plot.getBoundingClientRect();
      show(find((event.clientX - box.left) / box.width), plot, event.clientX, event.clientY);
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", event => { if (event.pointerType !== "touch") hide(); });
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const box = plot.getBoundingClientRect();
      const next = Math.max(0, Math.min(data.x.length - 1, at + step));
      show(next, plot, box.left + data.x[next] * box.width, box.top + box.height / 2);
    });
  }
  document.addEventListener("pointerdown", event => { if (!event.target.closest(".plot")) hide(); });
})();
