"""The lab: real package managers, real boots, a real smarthost, real mail."""
