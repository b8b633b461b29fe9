"""What other tools, the clients, make of exported files: each test opens them with one client and records rows.

The rows are the table in docs/clients.md, which a run of these tests checks and `make clients` writes.
"""
