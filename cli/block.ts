/** `upbeat block add|remove|list`: networks that are kept out, by operators and by Upbeat itself. */
import { askDesk } from '../platform/supervisor/control.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { order, whyAndHowLong } from './orders.ts'
import { settingsOf } from './settings.ts'
import { instantInWords } from './times.ts'

export const block: Command = (given) => {
  const [step, network, ...rest] = given.operands
  if (rest.length > 0 || (step === 'list') === (network !== undefined)) throw new UsageError(WHAT)
  if (step === 'list') return list(given)
  // A request's shape begins with its method; no network has a blank.
  const isShape = network?.includes(' ') ?? false
  if (isShape && step === 'add')
    return order(given, { type: 'bar-shape', shape: network!, ...whyAndHowLong(given) })
  if (isShape && step === 'remove') return order(given, { type: 'free-shape', shape: network! })
  if (step === 'add')
    return order(given, { type: 'block-network', network: network!, ...whyAndHowLong(given) })
  if (step === 'remove') return order(given, { type: 'unblock-network', network: network! })
  throw new UsageError(WHAT)
}

const WHAT = 'block add NETWORK --reason WHY [--for 30m], block remove NETWORK, or block list'

async function list(given: Arguments): Promise<number> {
  const { abuse, orders } = await askDesk(settingsOf(given).dataDir, { command: 'state' })
  if (given.isJson) {
    console.log(JSON.stringify({ blocks: orders.blocks, shapes: orders.shapes, ...abuse }, null, 2))
    return 0
  }
  const now = new Date()
  const lines = [
    ...orders.blocks.map(
      ({ network, untilAt, reason }) =>
        `${network}  by an operator, until ${instantInWords(untilAt, now)}: ${reason}`,
    ),
    ...orders.shapes.map(
      ({ shape, untilAt, reason }) => `${shape}  refused until ${instantInWords(untilAt, now)}: ${reason}`,
    ),
    ...(abuse?.penalties ?? []).map(
      ({ network, until, times }) =>
        `${network}  by Upbeat, until ${instantInWords(until, now)}: went on after being told (${times}×)`,
    ),
  ]
  console.log(lines.length > 0 ? lines.join('\n') : 'Nobody is kept out.')
  return 0
}
