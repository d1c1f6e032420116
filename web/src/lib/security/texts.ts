/** The texts of what guards an account. */
import { createTranslator } from '#lib/i18n/catalogue.ts'

export const t = createTranslator('security', {
  'work.text': 'Many are trying passwords right now. Your device proves that it is none of them …',
  'code.title': 'One more step',
  'code.text':
    'Enter the code of your authenticator, a recovery code, or the code that was mailed to your address. If handle and password are right, one of them fits.',
  'code.none':
    'Neither authenticator nor e-mail address? While many passwords are being tried, such an account is let in where it was signed in before: on that device, or in that network. It is open everywhere again when this is over, usually within the hour.',
  'code.label': 'Code',
  'code.button': 'Continue',
  'code.back': 'Begin again',
  'passkey.signIn': 'Sign in with a passkey',
  'passkey.unusable': 'The passkey can’t be used here',
  'passkey.unusableNext': 'Use another device, or your password.',
  'passkey.there': 'This device has a passkey of your account already.',
  'passkey.thereNext': 'Use that one.',

  'alarm.title': 'Choose a new password',
  'alarm.text':
    'You said that a sign-in wasn’t yours: somebody may know your password. Until you change it, it lets nobody in on a new device without a code.',

  'notices.title': 'New sign-ins',
  'notices.text': 'Sign-ins from a device or a network where your account had not been before.',
  'notices.deny': 'This wasn’t me',
  'notices.denied': 'Denied',

  'totp.title': 'Authenticator',
  'totp.text': 'With a code from an app, your password alone lets nobody in.',
  'totp.on': 'On',
  'totp.codesLeft': { one: '{n} recovery code left', other: '{n} recovery codes left' },
  'totp.begin': 'Set up',
  'totp.remove': 'Remove',
  'totp.removed': 'The authenticator is removed',
  'totp.scan': 'Scan this with your authenticator app, then enter the code that it shows.',
  'totp.qr': 'QR code for an authenticator',
  'totp.byHand': 'Or type this key: {secret}',
  'totp.here': 'Or open it in an app on this device',
  'totp.code': 'Code of the app',
  'totp.confirm': 'Turn on',
  'totp.cancel': 'Cancel',
  'codes.title': 'Your recovery codes',
  'codes.text':
    'Each signs you in once when the app is out of reach. Keep them where you keep what matters: they are shown only now.',
  'codes.copy': 'Copy all',
  'codes.copied': 'Copied',
  'codes.done': 'I have kept them',
  'codes.renew': 'New recovery codes',

  'passkeys.title': 'Passkeys',
  'passkeys.text':
    'Sign in with your fingerprint, face or device code. A passkey can’t be guessed, leaked or fished for.',
  'passkeys.none': 'None yet',
  'passkeys.unsupported':
    'This browser offers no passkeys here: they need HTTPS, or the app opened on the machine itself.',
  'passkeys.name': 'Name',
  'passkeys.nameHelp': 'To tell it from others: “My phone”, say.',
  'passkeys.add': 'Add a passkey',
  'passkeys.added': 'The passkey is added',
  'passkeys.remove': 'Remove',
  'passkeys.removed': 'The passkey is removed',
  'passkeys.made': 'Added {at}',
  'passkeys.used': 'Used {ago}',
  'passkeys.deviceOnly': 'On one device only',

  'email.title': 'E-mail address',
  'email.none': 'None. With one, we can tell you of new sign-ins and confirm yours.',
  'email.unmailed': 'This instance has no mail server: nothing is sent there.',
  'email.label': 'New address',
  'email.change': 'Change',
  'email.changed': 'Your address is changed',

  'proof.title': 'Show that it is you',
  'proof.text': 'This guards your account, so we ask once more.',
  'proof.password': 'Password',
  'proof.or': 'Or a code of your authenticator',
  'proof.passkey': 'Use a passkey',
  'proof.button': 'Continue',
  'proof.cancel': 'Cancel',
  'proof.wrong': 'This is not right. Try again.',

  'notMe.title': 'Was this not you?',
  'notMe.text':
    'One tap signs everybody out of your account, on all devices, and lets you choose a new password.',
  'notMe.button': 'This wasn’t me',
  'notMe.linkless': 'This page belongs to a link in a mail. Open it from there.',
  'notMe.newTitle': 'Everybody is signed out',
  'notMe.newTitleHere': 'Everybody else is signed out',
  'notMe.newText': 'Choose a new password now; the old one lets nobody new in any more.',
  'notMe.password': 'New password',
  'notMe.save': 'Save the password',
  'notMe.doneTitle': 'Your account is yours again',
  'notMe.doneText': 'Sign in with the new password.',
  'notMe.doneHere': 'The new password holds. All devices but this one are signed out.',
  'notMe.signIn': 'Sign in',
  'notMe.toSecurity': 'Back to password and devices',
})
