// What the daemon's self-metrics say of measurements that did not arrive.
//
// Rejected is input that was refused, dropped what was taken in and then lost. Each series of these
// counts measurements, by its tag `reason`.

/** [name, whether it was "rejected" or "dropped", where, what helps or why]. */
export const LOSSES = [
  ["zibrato.intake.rejected", "rejected", "At the intake", "unreadable, or an invalid value"],
  ["zibrato.intake.dropped", "dropped", "At the intake", "too many series: raise --max-series, or use fewer tag values"],
  ["zibrato.backend.dropped", "dropped", "By a backend", "rejected by the server, too old, or more than the outbox may hold"],
  ["zibrato.store.dropped", "dropped", "In the store's file", "corrupt in the file, more than a count can hold, or series without room"],
  ["zibrato.client.dropped", "dropped", "By clients", "no daemon was reachable, or the value was invalid"],
];

/** Kept, at another time than they were sent with: no loss. */
export const CLAMPED = "zibrato.intake.timestamp_clamped";

export const named = (list, name) => list.filter((series) => series.name === name);
export const total = (list) => list.reduce((sum, series) => sum + (series.total ?? 0), 0);

/** Return how many measurements were {rejected, dropped} since the daemon's start. */
export function lossCounts(list) {
  const counts = { rejected: 0, dropped: 0 };
  for (const [name, fate] of LOSSES) counts[fate] += total(named(list, name));
  return counts;
}

/** Return [reason, total] of each series of one name that counted anything. */
export function reasons(list, name) {
  return named(list, name)
    .filter((series) => series.total)
    .map(({ tags, total: count }) => [
      [tags.reason ?? "unknown", tags.backend && `(${tags.backend})`].filter(Boolean).join(" "),
      count,
    ]);
}

/** Return {rejected, dropped} in words, `12 rejected and 3 dropped`, or null where both are 0. */
export function lossWords({ rejected, dropped }, write) {
  const parts = [rejected && `${write(rejected)} rejected`, dropped && `${write(dropped)} dropped`];
  return parts.filter(Boolean).join(" and ") || null;
}

/** Return what the table of backends says: [backend, {accepted, delivered, retried, dropped, waiting}]. */
export function backendCounts(list) {
  const backends = [...new Set(list.map((series) => series.tags.backend).filter(Boolean))].sort();
  return backends.map((backend) => {
    const of = (name) => named(list, name).filter((series) => series.tags.backend === backend);
    return [
      backend,
      {
        accepted: total(of("zibrato.outbox.accepted")),
        delivered: total(of("zibrato.backend.delivered")),
        retried: total(of("zibrato.backend.retried")),
        dropped: total(of("zibrato.backend.dropped")),
        waiting: of("zibrato.outbox.snapshots")[0]?.last ?? 0,
      },
    ];
  });
}
