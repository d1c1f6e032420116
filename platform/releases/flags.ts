/**
 * Feature flags by OpenFeature, answered from the signed document in memory: no request, no file, no wait for any of them.
 *
 * @see https://openfeature.dev/specification/sections/providers
 */
import {
  OpenFeature,
  ProviderStatus,
  StandardResolutionReasons,
  type Client,
  type EvaluationContext,
  type JsonValue,
  type Provider,
  type ResolutionDetails,
} from '@openfeature/server-sdk'
import { createHash } from 'node:crypto'
import { FLAG_DEFAULTS, type FlagName } from './kinds/flags.ts'
import type { Documents } from './documents.ts'

export interface Flags {
  /** @param personId who asks, where only a share of the people is to have it: always the same answer for the same person */
  isOn(name: FlagName, personId?: string | null): Promise<boolean>
}

/** Answers code defaults for what no document says. */
export async function createFlags(documents: Documents): Promise<Flags> {
  // A domain of its own: several instances in one process (tests) must not answer for each other.
  const domain = `upbeat-${++count}`
  await OpenFeature.setProviderAndWait(domain, createProvider(documents))
  const client: Client = OpenFeature.getClient(domain)
  return {
    isOn: (name, personId) =>
      client.getBooleanValue(name, FLAG_DEFAULTS[name], personId ? { targetingKey: personId } : {}),
  }
}

let count = 0

function createProvider(documents: Documents): Provider {
  const only = <T>(value: T): Promise<ResolutionDetails<T>> =>
    Promise.resolve({ value, reason: StandardResolutionReasons.DEFAULT })
  return {
    metadata: { name: 'upbeat-documents' },
    status: ProviderStatus.READY,
    runsOn: 'server',
    resolveBooleanEvaluation(name: string, byDefault: boolean, context: EvaluationContext) {
      const flag = documents.get('flags')?.flags[name]
      if (!flag) return only(byDefault)
      const { isOn, share = 1 } = flag
      const reason = share < 1 ? StandardResolutionReasons.SPLIT : StandardResolutionReasons.STATIC
      const value = share >= 1 || pointOf(name, context.targetingKey) < share ? isOn : !isOn
      return Promise.resolve({ value, reason })
    },
    resolveStringEvaluation: (_name: string, byDefault: string) => only(byDefault),
    resolveNumberEvaluation: (_name: string, byDefault: number) => only(byDefault),
    resolveObjectEvaluation: <T extends JsonValue>(_name: string, byDefault: T) => only(byDefault),
  } as Provider
}

/** Uniform in [0, 1), the same for a person and a flag each time; whoever is nobody is outside of every share. */
function pointOf(name: string, person: string | undefined): number {
  if (person === undefined) return 1
  return createHash('sha256').update(`${name}\0${person}`).digest().readUInt32BE(0) / 2 ** 32
}
