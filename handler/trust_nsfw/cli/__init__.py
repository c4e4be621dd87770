"""The command line, `trust-nsfw`: a server asked through the client or, with --local, a model in this process."""
