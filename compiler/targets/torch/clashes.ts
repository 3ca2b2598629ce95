/** Names that a module of PyTorch has for itself: a child by such a name is registered, but an attribute of that name is another. */

/** `dir(nn.Module())` of PyTorch 1.13 and 2.13, without what begins with a line, and of the containers that children lie in. */
const ofModules = new Set(
  (
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr float forward " +
    "get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules " +
    "named_parameters parameters register_backward_hook register_buffer register_forward_hook register_forward_pre_hook " +
    "register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook " +
    "register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state " +
    "set_submodule share_memory state_dict to to_empty train training type xpu zero_grad append extend insert pop keys items values update clear"
  ).split(" "),
);

export function isOfModules(name: string): boolean {
  return ofModules.has(name) || name.startsWith("_");
}
