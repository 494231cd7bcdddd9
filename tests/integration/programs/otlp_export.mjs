// Measures with OpenTelemetry's SDK of JavaScript and exports twice, after each half.
// Arguments: the URL, an encoding (http is JSON, proto), cumulative or delta, a source.
import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(import.meta.url); // it looks in $NODE_PATH
const [url, encoding, temporality, source] = process.argv.slice(2);
const metrics = require("@opentelemetry/sdk-metrics");
const { AggregationTemporalityPreference } = require("@opentelemetry/exporter-metrics-otlp-http");
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${encoding}`);
const { resourceFromAttributes } = require("@opentelemetry/resources");

const exporter = new OTLPMetricExporter({
  url, compression: "gzip", temporalityPreference: AggregationTemporalityPreference[temporality.toUpperCase()],
});
const exponential = { type: metrics.AggregationType.EXPONENTIAL_HISTOGRAM };
const provider = new metrics.MeterProvider({
  resource: resourceFromAttributes({ "host.name": source }),
  readers: [new metrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  views: [{ instrumentName: "sdk.exponential", aggregation: exponential }],
});
const meter = provider.getMeter("test");
const hits = meter.createCounter("sdk.hits");
const depth = meter.createUpDownCounter("sdk.depth");
const timers = ["sdk.explicit", "sdk.exponential"].map((name) => meter.createHistogram(name, { unit: "ms" }));

for (const half of [0, 1]) {
  for (let index = half; index < 100; index += 2) {
    hits.add(3, { route: "/a", level: "warn" });
    depth.add(index % 4 ? 1 : -1);
    for (const timer of timers) timer.record(100 + index);
  }
  await provider.forceFlush();
}
await provider.shutdown();
