//! Messages to people and programs: webhooks, mail, commands.
