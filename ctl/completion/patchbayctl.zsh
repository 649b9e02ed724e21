#compdef patchbayctl
# zsh completion for patchbayctl: the tool itself knows what can come.
_patchbayctl() {
	local -a candidates
	local line
	while IFS= read -r line; do
		case $line in
		:files) _files; return ;;
		:command*)
			shift ${line#:command } words
			(( CURRENT -= ${line#:command } ))
			_normal
			return ;;
		*) candidates+=("${${line%%$'\t'*}//:/\\:}:${${(M)line%$'\t'*}#$'\t'}") ;;
		esac
	done < <(patchbayctl __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
	_describe patchbayctl candidates
}
_patchbayctl "$@"
