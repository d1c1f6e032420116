/** The texts of signing in, signing up and the first start. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('accounts', {
  'signIn.title': 'Welcome back',
  'signIn.text': 'Sign in to follow people, like, comment and upload.',
  'signIn.identifier': 'Handle or e-mail address',
  'signIn.password': 'Password',
  'signIn.button': 'Sign in',
  'signIn.wrong': 'Wrong handle or password. Check both; capital letters count in the password.',
  'signIn.noAccount': 'No account yet?',
  'signIn.toSignUp': 'Sign up',
  'signIn.forgotten':
    'A forgotten password can’t be replaced yet: add a passkey, or keep yours in a password manager.',

  'signUp.title': 'Make an account',
  'signUp.text': 'A handle and a password are all it takes.',
  'signUp.closedTitle': 'No new accounts here',
  'signUp.closedText': 'The operator of this instance makes the accounts. Ask them for one.',
  'signUp.handle': 'Handle',
  'signUp.handleHelp': 'How people find and mention you. Letters, digits, “_” and “.”.',
  'signUp.handleShort': { one: '{n} more character is needed.', other: '{n} more characters are needed.' },
  'signUp.handleLong': 'At most {max} characters.',
  'signUp.handleForm':
    'Use letters without accents, digits, “_” and “.”, beginning and ending with a letter or a digit.',
  'signUp.handleFree': '@{handle} is free',
  'signUp.handleTaken': '@{handle} is taken. Try another one.',
  'signUp.handleChecking': 'Looking whether it is free …',
  'signUp.password': 'Password',
  'signUp.passwordHelp':
    'At least {min} characters. A few words in a row are easy to remember and hard to guess.',
  'signUp.passwordShort': { one: '{n} more character is needed.', other: '{n} more characters are needed.' },
  'signUp.passwordLong': 'At most {max} characters.',
  'signUp.passwordOk': 'Long enough',
  'signUp.email': 'E-mail address (optional)',
  'signUp.emailHelp':
    'You can sign in with it as well as with your handle. Never shown to anyone; you can leave it out.',
  'signUp.emailForm': 'This doesn’t look like an e-mail address: it needs an “@” and a domain.',
  'signUp.button': 'Sign up',
  'signUp.hasAccount': 'Have an account already?',
  'signUp.toSignIn': 'Sign in',
  'signUp.welcome': 'Welcome, @{handle}',

  'firstRun.title': 'You run this instance',
  'firstRun.text':
    'This link came from the server that you started. It makes one account, once: the operator’s.',
  'firstRun.canTitle': 'What an operator is',
  'firstRun.can1': 'The person responsible for this instance: who runs the server, and whom people turn to.',
  'firstRun.can2':
    'An account like any other, marked as the operator’s: you watch, upload and comment with it too.',
  'firstRun.can3': 'Whoever opens the link first gets it: don’t pass it on.',
  'firstRun.can4': 'Choose a password that you use nowhere else.',
  'firstRun.button': 'Make the operator’s account',
  'firstRun.usedTitle': 'This link is spent',
  'firstRun.noToken.title': 'The link is incomplete',
  'firstRun.noToken.text':
    'It should end in “?token=…”. Copy it whole from the terminal where the server was started.',
  'firstRun.insecure':
    'This page isn’t served over HTTPS: on a network you don’t trust, your password can be read on its way.',

  'already.title': 'Signed in as @{handle}',
  'already.text': 'You can go on, or sign out and use another account.',
  'already.continue': 'Go on',

  'wait.seconds': { one: 'Wait {n} second, then try again.', other: 'Wait {n} seconds, then try again.' },
  'gate.loading': 'Finding out who is signed in …',
  'gate.paused.title': 'Signing in is paused',
  'gate.paused.text':
    'Who is signed in can’t be looked up just now. You stay signed in, and this page opens by itself when that works again.',
})
