package bfdloop

func SetPolicy(p Priority) { policy = p }
