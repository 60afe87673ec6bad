module slipway.dev/tests/pod

go 1.26
