"""Every error, one tree. Each failure belongs to one boundary.

AlmaError
├── DesignError          the design's own fault: it scores 0 or is restarted
│   ├── ContractBroken     it does not keep the contract (cannot be loaded, wrong answer)
│   ├── DesignFailed       it raised
│   ├── DeadlineExceeded   it took too long and was ended
│   └── WorkerDied         its process went away (memory, signal, forged exit)
├── HostError            ours: the machine cannot run designs
│   └── NoSandbox          model-written code, and nothing to contain it
├── ToolkitError         a model or embedder behind the toolkit failed
├── StoreError           the disk, the database, the home
│   ├── HomeUnusable       missing rights, full, read-only
│   ├── DatabaseCorrupt    not a database of ours, or damaged
│   ├── DesignUnknown      no such design in the store
│   └── DesignAltered      bytes that do not match their hash
├── LedgerError          a row that must not be believed
│   ├── ChainBroken        hash chain or signature does not hold
│   └── NotApprovable      wrong state, wrong passphrase, nothing to roll back to
├── EngineError          the engine cannot be reached or started
├── EvolveError          the search: configuration, data, budget
│   ├── DataMissing        a benchmark's data is absent or of another format
│   └── BudgetSpent        a ceiling was reached
└── BadRequest           the caller's input, said in one sentence

Every message is one sentence for a person, and says what to do.
"""


class AlmaError(Exception):
    """Base of all; `str()` is the sentence shown to a person."""


class DesignError(AlmaError):
    pass


class ContractBroken(DesignError):
    pass


class DesignFailed(DesignError):
    pass


class DeadlineExceeded(DesignError):
    pass


class WorkerDied(DesignError):
    pass


class HostError(AlmaError):
    pass


class NoSandbox(HostError):
    pass


class ToolkitError(AlmaError):
    pass


class StoreError(AlmaError):
    pass


class HomeUnusable(StoreError):
    pass


class DatabaseCorrupt(StoreError):
    pass


class DesignUnknown(StoreError):
    pass


class DesignAltered(StoreError):
    pass


class LedgerError(AlmaError):
    pass


class ChainBroken(LedgerError):
    pass


class NotApprovable(LedgerError):
    pass


class EngineError(AlmaError):
    pass


class EvolveError(AlmaError):
    pass


class DataMissing(EvolveError):
    pass


class BudgetSpent(EvolveError):
    pass


class BadRequest(AlmaError):
    pass
