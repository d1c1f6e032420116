/** Prometheus's text exposition format, as much of it as counters need (prometheus.io/docs/instrumenting/exposition_formats). */

export interface PrometheusSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads samples; lines that are none are passed over. `wanted` keeps a large page cheap. */
export function* readPrometheusText(text: string, wanted: ReadonlySet<string>): Generator<PrometheusSample> {
  for (const line of text.split('\n')) {
    const [, name, labels, value] =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/.exec(line) ?? []
    if (name === undefined || !wanted.has(name)) continue
    const number = Number(value)
    if (Number.isFinite(number)) yield { name, labels: readLabels(labels ?? ''), value: number }
  }
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  // Names begin at a word's beginning only: a long run of letters is looked at once, not from each of its letters.
  for (const [, name, value] of text.matchAll(
    /(?<![a-zA-Z0-9_])([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"/g,
  ))
    labels[name!] = value!.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  return labels
}
