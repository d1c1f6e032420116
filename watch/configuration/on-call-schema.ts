/** What a service's file may say of who is called when it is down: people, rotas, escalation, runbooks. */
import { z } from 'zod'
import { CAUSES } from '../../engines/detect/types.ts'
import { HttpUrl, Slug } from './schema-fields.ts'

/** In the order of `Date.getUTCDay`. */
export const WEEKDAYS = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const

/** What somebody does in an incident, whoever they are. */
export const INCIDENT_ROLES = ['commander', 'communications', 'operations', 'scribe'] as const
export type IncidentRole = (typeof INCIDENT_ROLES)[number]

const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'takes a time of day such as 09:00, in quotes')
const Weekday = z.enum(WEEKDAYS)

const Person = z.strictObject({
  id: Slug,
  name: z.string().min(1).max(80),
  operator: z
    .string()
    .max(40)
    .nullable()
    .default(null)
    .describe('The name by which they sign in at /operate: their browsers can be paged too.'),
  email: z.email().max(254).nullable().default(null),
  webhook: z
    .strictObject({
      url: HttpUrl,
      as: z.enum(['json', 'slack', 'discord']).default('json').describe('The shape of the message.'),
      secret: z.string().min(16).max(500).describe('Messages are signed with it; take it from ${NAME}.'),
    })
    .nullable()
    .default(null),
})

const Layer = z.strictObject({
  people: z.array(Slug).min(1).max(50).describe('In the order in which they take turns.'),
  startsOn: z.iso.date('takes a date such as 2026-01-05').describe('The first day of the first of them.'),
  handover: z
    .strictObject({
      every: z.enum(['day', 'week', 'two-weeks']).default('week'),
      weekday: Weekday.default('monday').describe('Of a rotation by weeks.'),
      at: TimeOfDay.default('09:00').describe('In the time zone of the service.'),
    })
    .prefault({}),
  hours: z
    .strictObject({
      days: z
        .array(Weekday)
        .min(1)
        .max(7)
        .default([...WEEKDAYS]),
      from: TimeOfDay,
      until: TimeOfDay.describe('Over midnight when it is not after `from`.'),
    })
    .nullable()
    .default(null)
    .describe('When the layer covers; left out: always. What no layer covers is a gap, and shown as one.'),
})

const Rota = z.strictObject({
  id: Slug,
  name: z.string().min(1).max(80),
  layers: z.array(Layer).min(1).max(10).describe('A later layer stands above the earlier ones.'),
})

const Step = z.strictObject({
  to: z
    .array(
      z
        .string()
        .regex(/^(rota|person|role):[a-z0-9][a-z0-9-]{0,62}$/, 'takes rota:ID, person:ID or role:NAME'),
    )
    .min(1)
    .max(20),
  waitMinutes: z.number().int().min(1).max(1440).default(10).describe('For an answer, before the next step.'),
})

export const OnCall = z
  .strictObject({
    people: z.array(Person).max(200).default([]),
    rotas: z.array(Rota).max(20).default([]),
    escalation: z.array(Step).max(20).default([]).describe('Who is paged, in this order; none: nobody is.'),
    repeats: z
      .number()
      .int()
      .min(0)
      .max(20)
      .default(2)
      .describe('How often the steps are gone through again.'),
    pageFrom: z
      .enum(['minor', 'major', 'critical'])
      .default('major')
      .describe('The least impact of a confirmed outage that pages.'),
    blindAfterMinutes: z
      .number()
      .int()
      .min(1)
      .max(1440)
      .nullable()
      .default(null)
      .describe('Page when the watch itself has had no connection for so long; null: don’t.'),
    runbooks: z
      .partialRecord(z.enum(CAUSES), z.array(z.string().min(1).max(500)).min(1).max(30))
      .default({})
      .describe('Steps for a cause, as plain text; left out: those that ship.'),
  })
  .prefault({})
export type OnCall = z.infer<typeof OnCall>
export type RotaPlan = z.infer<typeof Rota>
export type RotaLayer = z.infer<typeof Layer>
export type OnCallPerson = z.infer<typeof Person>
export type EscalationStep = z.infer<typeof Step>

/** Names that nothing bears, and names that two things bear. */
export function checkOnCall(
  { people, rotas, escalation }: OnCall,
  complain: (path: PropertyKey[], message: string) => void,
): void {
  const known = {
    person: collect(people, ['onCall', 'people'], complain),
    rota: collect(rotas, ['onCall', 'rotas'], complain),
    role: new Set<string>(INCIDENT_ROLES),
  }
  for (const [i, rota] of rotas.entries())
    for (const [j, layer] of rota.layers.entries())
      for (const [k, id] of layer.people.entries())
        if (!known.person.has(id))
          complain(
            ['onCall', 'rotas', i, 'layers', j, 'people', k],
            `There is no person ${id}; known: ${listSome(known.person)}.`,
          )
  for (const [i, step] of escalation.entries())
    for (const [j, target] of step.to.entries()) {
      const [kind, id] = target.split(':') as [keyof typeof known, string]
      // A target of the wrong shape was complained about already.
      if (known[kind] && !known[kind].has(id))
        complain(
          ['onCall', 'escalation', i, 'to', j],
          `There is no ${kind} ${id}; known: ${listSome(known[kind])}.`,
        )
    }
}

function collect(
  things: readonly { readonly id: string }[],
  path: PropertyKey[],
  complain: (path: PropertyKey[], message: string) => void,
): Set<string> {
  const seen = new Set<string>()
  for (const [i, { id }] of things.entries()) {
    if (seen.has(id)) complain([...path, i, 'id'], `${id} is taken by another one above.`)
    seen.add(id)
  }
  return seen
}

const listSome = (ids: ReadonlySet<string>): string => [...ids].slice(0, 10).join(', ') || 'none'
