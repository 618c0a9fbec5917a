/** How the wall is doing: link, delays, feeds, what was refused or could not be placed; and what must be looked at. */

import { byId, el, facts } from "./dom.js";
import { age, clockTime, figure, HEALTH } from "./words.js";

const FIRST_ALERTS = 3;

/** @param {any} status @param {any[]} feeds @param {any[]} sensors @param {{link: string, drawMs: number | null}} page */
export function showWall(status, feeds, sensors, page) {
  const panel = byId("panel-wall");
  if (!status) {
    panel.replaceChildren(el("p", {}, "The wall has not said anything yet."));
    return;
  }
  panel.replaceChildren(
    facts([
      ["Wall", `${status.name} · ${status.phase}`],
      ["Link", page.link],
      ["Plot to page", latency(status)],
      ["Server to screen", page.drawMs === null ? "–" : `${figure(page.drawMs)} ms (95 %)`],
      ["Plots", figure(status.plots_total)],
      ["Tracks", `${figure(status.tracks)} now, ${figure(status.tentative)} tentative, not shown`],
      ["Confirmed", `${figure(status.confirmed_total)} over the run`],
      ["Remote tracks", figure(status.remote_tracks)],
      ["Waiting", waiting(status.queues)],
      ["Left out", `${figure(sum(status.shed))} under overload`],
      ["Sent again", `${figure(status.repeated)}, counted once`],
      ["Journal", status.journal ? `${status.journal} · ${bytes(status.journal_bytes)}` : "–"],
      ["Disk", disk(status)],
      ["Version", status.version],
    ]),
    el("h3", {}, `Feeds (${feeds.length})`),
    ...feeds.map((feed) => feedBox(feed, status.now_ns)),
    el("h3", {}, `Sensors (${sensors.length})`),
    sensorsBox(sensors),
    ...troubles(sensors),
    ...leftOut(status.shed),
    ...unplaceable(status.unplaceable),
  );
}

/** @param {any} status */
function latency(status) {
  if (status.latency_p50_ms === null) return "–";
  return `${figure(status.latency_p50_ms)} ms half, ${figure(status.latency_p99_ms ?? 0)} ms 99 %`;
}

/** @param {any[]} queues */
function waiting(queues) {
  if (queues.length === 0) return "–";
  const worst = queues.reduce((most, queue) => (queue.worst_lag_ms > most.worst_lag_ms ? queue : most));
  const held = queues.reduce((all, queue) => all + queue.waiting, 0);
  return `${figure(held)} reports, ${figure(worst.worst_lag_ms)} ms at most (${worst.name.replace("intake:", "")})`;
}

/** @param {any} status */
function disk(status) {
  if (!status.disk_free_bytes) return "–";
  const free = `${bytes(status.disk_free_bytes)} free`;
  return status.disk_full_ns ? `${free}, full ${new Date(status.disk_full_ns / 1e6).toISOString().slice(0, 16).replace("T", " ")}Z` : free;
}

/** @param {number} count */
function bytes(count) {
  return count < 1e9 ? `${figure(count / 1e6, 1)} MB` : `${figure(count / 1e9, 1)} GB`;
}

/** @param {any[]} rows */
function sum(rows) {
  return rows.reduce((all, row) => all + row.plots, 0);
}

/** @param {any[]} sensors */
function troubles(sensors) {
  const rows = sensors.filter((sensor) => sensor.problems.length > 0);
  if (rows.length === 0) return [];
  return [
    el("h3", {}, `Sensors in trouble (${rows.length})`),
    el("ul", {}, ...rows.slice(0, 12).map((row) => el("li", {}, `${row.sensor_id}: ${row.problems.join("; ")}`))),
  ];
}

/** @param {any[]} rows */
function leftOut(rows) {
  if (rows.length === 0) return [];
  const most = [...rows].sort((a, b) => b.plots - a.plots).slice(0, 8);
  return [
    el("h3", {}, "Left out under overload"),
    el("ul", {}, ...most.map((row) => el("li", {}, `${figure(row.plots)} of ${row.sensor_id}`))),
  ];
}

/** @param {any} feed @param {number} nowNs */
function feedBox(feed, nowNs) {
  const refused = feed.refused.reduce((sum, each) => sum + each.count, 0);
  const heard = feed.last_received_ns > 0;
  const box = el("article", { class: `feed ${feed.state}` },
    el("header", {}, el("b", {}, feed.name), el("span", { class: "state" }, feed.state)),
    el("div", { class: "url" }, feed.url),
    el("div", {}, `${figure(feed.decoded)} decoded · ${figure(feed.plots_per_s, feed.plots_per_s < 10 ? 1 : 0)} plots/s`),
    el("div", {}, `${figure(refused)} refused · ${figure(feed.unplaceable)} unplaceable`),
    el("div", {}, heard ? `last heard ${clockTime(feed.last_received_ns / 1e6)}Z${ago(feed, nowNs)}` : "never heard"),
  );
  for (const each of feed.refused.slice(0, 4)) box.append(el("div", { class: "why" }, `${figure(each.count)} × ${each.reason}`));
  if (feed.detail) box.append(el("div", { class: "why" }, feed.detail));
  return box;
}

/** @param {any} feed @param {number} nowNs */
function ago(feed, nowNs) {
  const ms = (nowNs - feed.last_received_ns) / 1e6;
  return ms >= 0 && ms < 86400e3 ? `, ${age(ms)} ago` : "";
}

/** @param {any[]} sensors */
function sensorsBox(sensors) {
  const counts = new Map();
  for (const sensor of sensors) counts.set(sensor.health, (counts.get(sensor.health) ?? 0) + 1);
  const order = ["lost", "late", "heard", "quiet", "unknown"].filter((health) => counts.has(health));
  return el("ul", { class: "healths" }, ...order.map((health) => {
    const line = el("li", { class: health }, `${figure(counts.get(health))} ${HEALTH[health].word}`);
    return line;
  }));
}

/** @param {any[]} rows */
function unplaceable(rows) {
  if (rows.length === 0) return [];
  const most = [...rows].sort((a, b) => b.count - a.count).slice(0, 8);
  return [
    el("h3", {}, "Could not be placed"),
    el("ul", {}, ...most.map((row) => el("li", {}, `${figure(row.count)} from ${row.sensor_id}: ${row.reason}`))),
  ];
}

/** @param {any[]} alerts @param {(alert: any) => void} look */
export function showAlerts(alerts, look) {
  const order = { critical: 0, warning: 1, information: 2 };
  const open = alerts.filter((alert) => alert.state !== "closed");
  open.sort((a, b) => order[a.priority] - order[b.priority] || b.raised_at - a.raised_at);
  const box = byId("alerts");
  const all = box.classList.contains("all");
  box.hidden = open.length === 0;
  const lines = (all ? open : open.slice(0, FIRST_ALERTS)).map((alert) => {
    const line = el("button", { type: "button", class: `alert ${alert.priority}` },
      el("b", {}, `${alert.priority.toUpperCase()} ${clockTime(alert.raised_at / 1e6)}Z`),
      el("span", {}, alert.title), el("small", {}, alert.detail));
    line.onclick = () => look(alert);
    return line;
  });
  if (open.length > FIRST_ALERTS) {
    const more = el("button", { type: "button", class: "more" }, all ? "Show fewer" : `and ${open.length - FIRST_ALERTS} more`);
    more.onclick = () => {
      box.classList.toggle("all");
      showAlerts(alerts, look);
    };
    lines.push(more);
  }
  box.replaceChildren(...lines);
}
