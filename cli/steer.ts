/** `upbeat hold ROLE` and `upbeat release ROLE`. */
import { askSupervisor } from '../platform/supervisor/control.ts'
import { ROLE_NAMES, type RoleName } from '../platform/supervisor/protocol.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { settingsOf } from './settings.ts'

export const holdRole = (given: Arguments): Promise<number> => steer('hold', given)
export const releaseRole = (given: Arguments): Promise<number> => steer('release', given)

async function steer(command: 'hold' | 'release', given: Arguments): Promise<number> {
  const role = ROLE_NAMES.find((name) => name === given.operands[0])
  if (!role || given.operands.length > 1)
    throw new UsageError(`Which role? There are: ${ROLE_NAMES.join(', ')}`)
  const { roles } = await askSupervisor(settingsOf(given).dataDir, { command, role })
  console.log(`✓ ${role} is ${stateOf(roles, role)}.`)
  return 0
}

const stateOf = (roles: readonly { role: RoleName; state: string }[], role: RoleName): string =>
  roles.find((it) => it.role === role)?.state ?? 'unknown'
