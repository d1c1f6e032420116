/** What a drill is run with: the words of the command line. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROTECTIONS, type Protection } from '../../platform/app/protections.ts'
import { DRILLS } from './catalogue.ts'

export interface DrillOptions {
  /** Switched off in the products that the drill starts, to see that it fails without them. */
  readonly without: readonly Protection[]
  /** From which random schedules are made. */
  readonly seed: number
  /** How many random schedules are played; null: as many as the drill thinks enough. */
  readonly count: number | null
}

export interface Command extends DrillOptions {
  readonly names: readonly string[]
  /** Runs each drill without each of its protections, and expects it to fail. */
  readonly isProof: boolean
  /** Where results are kept; null: nowhere. */
  readonly recordDir: string | null
}

export class UsageError extends Error {}

export const USAGE = `npm run -s drill -- NAME…|short|all [--without PROTECTION,…] [--prove] [--seed N] [--count N] [--record DIR | --data DIR]

Drills: ${Object.keys(DRILLS).join(', ')}`

/** Reads the arguments. @throws {UsageError} when they are not what is written above */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (positionals.length === 0) throw new UsageError(USAGE)
  const names = positionals.flatMap(namesOf)
  const without = (values.without ?? '').split(',').filter(Boolean)
  for (const protection of without)
    if (!PROTECTIONS.includes(protection as Protection))
      throw new UsageError(
        `There is no protection "${protection}" to switch off. There are: ${PROTECTIONS.join(', ')}`,
      )
  return {
    names,
    without: without as Protection[],
    seed: wholeNumber('--seed', values.seed) ?? 1,
    count: wholeNumber('--count', values.count),
    isProof: values.prove ?? false,
    recordDir: values.record ?? (values.data === undefined ? null : join(values.data, 'run')),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        without: { type: 'string' },
        prove: { type: 'boolean' },
        seed: { type: 'string' },
        count: { type: 'string' },
        record: { type: 'string' },
        data: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

function namesOf(word: string): string[] {
  if (word === 'all') return Object.keys(DRILLS)
  if (word === 'short') return Object.keys(DRILLS).filter((name) => DRILLS[name]!.isShort)
  if (DRILLS[word]) return [word]
  throw new UsageError(
    `There is no drill "${word}". There are: ${Object.keys(DRILLS).join(', ')}, short, all`,
  )
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name} is "${text}"; what fits is a whole number.`)
  return Number(text)
}
