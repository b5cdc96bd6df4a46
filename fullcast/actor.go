package fullcast

// Actor is the person who has to act on a [Remedy], in lower-case words that are fit for a label of a metric. The empty Actor
// means that nothing is known.
type Actor string

// Actors.
const (
	ActorNobody     Actor = "nobody"     // the service tries again by itself
	ActorAdmin      Actor = "admin"      // the customer's: in Salesforce Setup, or where the customer connects Fullcast
	ActorOperator   Actor = "operator"   // of the service: its configuration, sealing keys, network or store
	ActorProgrammer Actor = "programmer" // of the service: its code
)

// Actor returns who has to act on the error, which is the actor of its Remedy.
func (e *Error) Actor() Actor { return e.Remedy.Actor() }
