/** A release as an operator makes it, and what its log says of when it did what. */
import { z } from 'zod'
import { upbeat } from '../../support/command-line.ts'
import type { Product } from '../../support/product.ts'

export interface Released {
  readonly isPromoted: boolean
  /** What the command line said last. */
  readonly words: string
  /** From the first request that any side got to the end; null: there was none. */
  readonly judgedMs: number | null
  /** From there to the judge's word; null: there was none, or it was promoted. */
  readonly detectedMs: number | null
  /** From the command to its end. */
  readonly tookMs: number
}

const PhaseLine = z.object({ time: z.number(), msg: z.literal('release.phase'), phase: z.string() })

/** Runs `upbeat release DIR` to its end. */
export async function releaseDir(product: Product, dir: string): Promise<Released> {
  const beganAtMs = Date.now()
  const { code, output, errors, tookMs } = await upbeat(['release', dir, '--data', product.dataDir])
  const phases = product
    .logged()
    .split('\n')
    .flatMap((line) => {
      const parsed = line.includes('release.phase') ? PhaseLine.safeParse(parseJson(line)) : null
      return parsed?.success && parsed.data.time >= beganAtMs ? [parsed.data] : []
    })
  const timeOf = (phase: string) => phases.find((one) => one.phase === phase)?.time ?? null
  // The first one is logged with the judge's first look, a second after the first request.
  const firstMs = timeOf('shadow')
  const since = (end: number | null) => (firstMs === null || end === null ? null : end - firstMs + 1_000)
  return {
    isPromoted: code === 0,
    words: (output || errors).trim().split('\n').at(-1) ?? '',
    judgedMs: since(timeOf('back') ?? timeOf('promoted')),
    detectedMs: since(timeOf('going-back')),
    tookMs,
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
