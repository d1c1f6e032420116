/**
 * Drafts of what has to be told after a breach of personal data, and until when: to the authority (GDPR, article 33), to
 * the people (article 34) and into one's own register (article 33(5)). What only the operator can know is left open.
 *
 * @see https://eur-lex.europa.eu/eli/reg/2016/679/oj
 */

/** Article 33(1): "not later than 72 hours after having become aware of it". */
const AUTHORITY_WITHIN_H = 72
const HOUR_MS = 3_600_000

export interface BreachFacts {
  readonly instanceName: string
  /** When the operator became aware of it: from then on the time runs. */
  readonly awareAt: Date
  readonly draftedAt: Date
  readonly reason: string
  /** Null: unknown. */
  readonly accounts: number | null
  /** What was done already, in the order in which it was done. */
  readonly measures: readonly string[]
  /** Of the evidence; null: it was not frozen. */
  readonly seal: string | null
}

export interface Notice {
  readonly filename: string
  readonly text: string
}

const OPEN = '[TO FILL IN]'
const inWords = (at: Date) => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** The drafts, as Markdown. */
export function draftNotices(facts: BreachFacts): Notice[] {
  return [authorityNotice(facts), peopleNotice(facts), registerEntry(facts)]
}

/** When the authority must have been told at the latest. */
export const authorityDeadline = (awareAt: Date): Date =>
  new Date(awareAt.getTime() + AUTHORITY_WITHIN_H * HOUR_MS)

const listOf = (items: readonly string[]) =>
  items.length === 0 ? `- ${OPEN}` : items.map((item) => `- ${item}`).join('\n')

const countOf = ({ accounts }: BreachFacts) =>
  accounts === null
    ? `unknown at this moment (the database is away); ${OPEN}`
    : `${accounts} accounts exist on this instance; of these affected: ${OPEN}`

function authorityNotice(facts: BreachFacts): Notice {
  return {
    filename: 'authority.md',
    text: `# Notification of a personal data breach (GDPR, article 33)

**To be sent by ${inWords(authorityDeadline(facts.awareAt))}**: 72 hours after ${inWords(facts.awareAt)}, when it became known.
Later only with the reasons for the delay. What is not known yet may follow in phases (article 33(4)). Not needed where the
breach is unlikely to result in a risk to people: then say why in the register.

- Authority: ${OPEN}
- Controller: ${facts.instanceName}, ${OPEN} (name, address)
- Contact, data protection officer if there is one: ${OPEN}

## What happened (article 33(3)(a))

${facts.reason}

- When it began, and how: ${OPEN}
- People concerned: ${countOf(facts)}
- Kinds of data: ${OPEN} (an account has a handle, a name, a password hash (Argon2id), perhaps an e-mail address, sessions with network address and browser,
  videos, likes, follows, comments and views)
- Records concerned: ${OPEN}

## Likely consequences (article 33(3)(c))

${OPEN}

## Measures taken and proposed (article 33(3)(d))

${listOf(facts.measures)}
- ${OPEN}
`,
  }
}

function peopleNotice(facts: BreachFacts): Notice {
  return {
    filename: 'people.md',
    text: `# To the people concerned (GDPR, article 34)

**To be sent without undue delay** where the risk to them is likely high. Not needed where the data could not be read by anybody (encrypted), or
where the risk has been removed since; where each can't be reached, say it publicly instead (article 34(3)).

---

Subject: What happened at ${facts.instanceName}, and what you can do

On ${OPEN} somebody got access to ${OPEN}. We noticed it on ${inWords(facts.awareAt)}.

What this means for you: ${OPEN}

What we have done: everybody has been signed out, and the keys of this service have been changed. ${OPEN}

What you can do:

- Sign in again and choose a new password; if you use the old one elsewhere, change it there, too.
- Turn on a second factor under Settings, and look at the list of devices there.
- Be wary of messages that mention this; we never ask for your password.

Questions: ${OPEN} (name and contact of the data protection officer, or of who can tell more)
`,
  }
}

function registerEntry(facts: BreachFacts): Notice {
  return {
    filename: 'register.md',
    text: `# Entry for the register of breaches (GDPR, article 33(5))

- Became known: ${inWords(facts.awareAt)}
- Drafted: ${inWords(facts.draftedAt)}
- What happened: ${facts.reason}
- Effects: ${OPEN}
- People: ${countOf(facts)}
- Authority to be told by: ${inWords(authorityDeadline(facts.awareAt))}; told at: ${OPEN}, or why not: ${OPEN}
- People told at: ${OPEN}, or why not: ${OPEN}
- Evidence, SHA-256 of its manifest: ${facts.seal ?? 'not frozen'}

## Measures

${listOf(facts.measures)}
`,
  }
}
