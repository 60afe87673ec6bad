module slipway.dev/tests/stub

go 1.26
