/** `upbeat region list|close|ramp|open`: which regions are served. Each change is a release of the document `regions`. */
import { RegionName, readLastGood, RegionsDocument, type RegionPolicy } from '../platform/releases/index.ts'
import { loadSecrets, vaultKeysOf } from '../platform/app/secrets.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { releaseBytes } from './release-document.ts'
import { settingsOf } from './settings.ts'

const WHAT = 'region list | close NAME --reason WHY | ramp NAME 5|25|100 | open NAME'

export const region: Command = async (given) => {
  const [step, name, share, ...rest] = given.operands
  if (rest.length > 0) throw new UsageError(WHAT)
  const policies = await readPolicies(given)
  if (step === 'list' && name === undefined) return list(given, policies)
  if (!RegionName.safeParse(name).success) throw new UsageError(WHAT)
  const policy = policyOf(given, policies[name!], step, share)
  const text = JSON.stringify({ regions: { ...policies, [name!]: policy } }, null, 2)
  return releaseBytes(given, 'regions', Buffer.from(text))
}

async function readPolicies(given: Arguments): Promise<RegionsDocument['regions']> {
  const { dataDir, paths } = settingsOf(given)
  const secrets = vaultKeysOf(await loadSecrets(paths.secrets))
  const { good } = await readLastGood(dataDir, 'regions', secrets)
  return good === null ? {} : RegionsDocument.parse(good.content).regions
}

function policyOf(
  { reason }: Arguments,
  before: RegionPolicy | undefined,
  step: string | undefined,
  share: string | undefined,
): RegionPolicy {
  const networks = before?.networks ? { networks: before.networks } : {}
  if (step === 'close' && share === undefined) {
    if (reason === undefined) throw new UsageError('Why? --reason "…": the people of the region are told.')
    return { state: 'closed', reason, ...networks }
  }
  if (step === 'open' ? share === undefined : step === 'ramp' && share === '100')
    return { state: 'serving', ...networks }
  if (step !== 'ramp' || (share !== '5' && share !== '25')) throw new UsageError(WHAT)
  const told = reason ?? (before && before.state !== 'serving' ? before.reason : undefined)
  if (told === undefined) throw new UsageError('That region is not closed.')
  return { state: 'reopening', reason: told, share: share === '5' ? 0.05 : 0.25, ...networks }
}

function list({ isJson }: Arguments, policies: RegionsDocument['regions']): number {
  if (isJson) console.log(JSON.stringify(policies, null, 2))
  else if (Object.keys(policies).length === 0) console.log('No region is told apart from the others.')
  else
    for (const [name, policy] of Object.entries(policies)) {
      const share = policy.state === 'reopening' ? `, ${policy.share * 100} % let in` : ''
      const why = policy.state === 'serving' ? '' : `: ${policy.reason}`
      console.log(`${name.padEnd(14)} ${policy.state}${share}${why}`)
    }
  return 0
}
