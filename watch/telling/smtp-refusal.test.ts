import { expect, test } from 'vitest'
import { judgeSmtpError, withoutAddresses, type SmtpError } from './smtp-refusal.ts'

/** As nodemailer tells of it. */
const refusal = (command: string, response: string, code = 'EENVELOPE'): SmtpError => ({
  code,
  command,
  responseCode: Number(response.slice(0, 3)),
  response,
  message: response,
})

test.each<[string, SmtpError]>([
  ['a mailbox that does not exist', refusal('RCPT TO', '550 5.1.1 <a@b.c>: Recipient address rejected')],
  ['a bare 550 of a receiver', refusal('RCPT TO', '550 No such user here')],
  ['a full mailbox that stays so', refusal('RCPT TO', '552 5.2.2 Mailbox full')],
  ['a domain without a way', refusal('RCPT TO', '550 5.4.4 Unable to route')],
  ['a message that is too big', refusal('DATA', '552 5.3.4 Message too big for system', 'EMESSAGE')],
  ['a size that is refused ahead', refusal('MAIL FROM', '552 Message size exceeds fixed limit')],
  ['content that is refused', refusal('DATA', '554 5.6.0 Content is malformed', 'EMESSAGE')],
  ['an address that is none', { code: 'EENVELOPE', command: 'API', message: 'Invalid recipient "x"' }],
])('%s is final for the message', (_, error) => {
  expect(judgeSmtpError(error).kind).toBe('impossible')
})

test.each<[string, SmtpError, string]>([
  ['a wrong password', refusal('AUTH PLAIN', '535 5.7.8 Error: authentication failed', 'EAUTH'), 'password'],
  [
    'a sign-in that is asked for at the sender',
    refusal('MAIL FROM', '530 5.7.0 Authentication required'),
    'password',
  ],
  [
    'a sign-in that is asked for at the receiver',
    refusal('RCPT TO', '530 Authentication required'),
    'password',
  ],
  [
    'a sign-in that is too weak',
    refusal('RCPT TO', '550 5.7.9 Authentication mechanism is too weak'),
    'password',
  ],
  [
    'credentials that are missing',
    { code: 'EAUTH', command: 'API', message: 'Missing credentials' },
    'password',
  ],
  ['a sender that we may not be', refusal('MAIL FROM', '553 5.7.1 Not owned by user'), 'WATCH_MAIL_FROM'],
  [
    'a sender that is refused late',
    refusal('RCPT TO', '550 5.1.8 Bad sender’s system address'),
    'WATCH_MAIL_FROM',
  ],
  [
    'a signature of ours that is wrong',
    refusal('DATA', '550 5.7.26 Unauthenticated mail', 'EMESSAGE'),
    'why it refuses',
  ],
  ['a server that goes away', refusal('RCPT TO', '421 4.3.2 Service shutting down'), 'can be reached'],
  ['a server without room', refusal('RCPT TO', '452 4.3.1 Insufficient system storage'), 'has room'],
  [
    'a server that is full for good',
    refusal('DATA', '554 5.3.0 Mail system is broken', 'EMESSAGE'),
    'can be reached',
  ],
  [
    'a sign-in that fails for now',
    refusal('AUTH PLAIN', '454 4.7.0 Temporary failure', 'EAUTH'),
    'can be reached',
  ],
  [
    'a greeting that is a refusal',
    refusal('CONN', '554 No SMTP service here', 'EPROTOCOL'),
    'can be reached',
  ],
  ['no connection', { code: 'ESOCKET', command: 'CONN', message: 'connect ECONNREFUSED' }, 'can be reached'],
  [
    'a name that is not found',
    { code: 'EDNS', command: 'CONN', message: 'getaddrinfo ENOTFOUND' },
    'can be reached',
  ],
  [
    'a certificate of its own',
    { code: 'ESOCKET', command: 'CONN', message: 'self-signed certificate' },
    'certificate',
  ],
  ['a certificate that is wrong', { code: 'ETLS', command: 'CONN', message: 'self-signed' }, 'certificate'],
])('%s is ours: the message is kept, and the operator is told', (_, error, words) => {
  const outcome = judgeSmtpError(error)
  expect(outcome.kind).toBe('ours')
  expect(outcome.kind === 'ours' && outcome.remedy).toContain(words)
})

test.each<[string, SmtpError, boolean]>([
  ['greylisting', refusal('RCPT TO', '450 4.2.0 Greylisted'), false],
  ['a mailbox that is busy', refusal('RCPT TO', '450 Mailbox busy'), false],
  ['a brake', refusal('RCPT TO', '450 4.7.1 Too much mail from you'), true],
  ['relaying that is refused', refusal('RCPT TO', '554 5.7.1 <a@b.c>: Relay access denied'), true],
  ['relaying that is refused by a bare code', refusal('RCPT TO', '550 relay not permitted'), true],
  ['a verdict of spam', refusal('DATA', '554 5.7.1 Looks like spam', 'EMESSAGE'), true],
])('%s is tried again, and may be ours when many meet it', (_, error, mayBeOurs) => {
  const outcome = judgeSmtpError(error)
  expect(outcome.kind).toBe('retry')
  expect(outcome.kind === 'retry' && outcome.remedyIfMany !== undefined).toBe(mayBeOurs)
})

test('what operators and logs read names no receiver', () => {
  expect(withoutAddresses('550 5.1.1 <ann@example.org>: no bob@example.org, here')).toBe(
    '550 5.1.1 <address>: no <address>, here',
  )
})
